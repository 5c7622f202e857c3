/* See requests.h. */
#include "requests.h"

#include <stdio.h>
#include <stdlib.h>

#include "wire.h"

requests_t requests_read(const char *path)
{
    FILE *file = fopen(path, "re");
    requests_t requests = { 0 };
    size_t length;

    if (!file) {
        die(path);
    }
    while (fscanf(file, "%zu", &length) == 1 && fgetc(file) == '\n') {
        requests.at = checked(realloc(requests.at, (requests.count + 1) * sizeof(*requests.at)));
        request_t *request = &requests.at[requests.count++];
        *request = (request_t){ .bytes = checked(malloc(length)), .length = length };
        if (fread(request->bytes, 1, length, file) != length) {
            die(path);
        }
    }
    fclose(file);
    return requests;
}

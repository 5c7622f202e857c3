/* main() of a fuzz target without libFuzzer: runs the files, and the files in the folders, that it is given.
 * Each input lies in memory of exactly its size, so that a sanitizer sees a byte read too far.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"
#include "mem.h"

#define MAX_INPUT_BYTES 1048576

static unsigned long inputs;

static void fail(const char *path, const char *why)
{
    fprintf(stderr, "%s: %s\n", path, why);
    exit(1);
}

static void run_file(const char *path)
{
    char *bytes = mem_alloc(MAX_INPUT_BYTES);
    FILE *file = fopen(path, "re");

    if (!file) {
        fail(path, "cannot be read");
    }
    size_t size = fread(bytes, 1, MAX_INPUT_BYTES, file);
    fclose(file);
    uint8_t *input = malloc(size);
    if (size > 0) {
        memcpy(input, bytes, size);
    }
    mem_free(bytes);
    fprintf(stderr, "%s\n", path); /* the last one is the one that broke */
    LLVMFuzzerTestOneInput(input, size);
    free(input);
    inputs++;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void run_folder(const char *folder)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, is_visible, alphasort);

    for (int i = 0; i < count; i++) {
        char *path = mem_printf("%s/%s", folder, entries[i]->d_name);
        run_file(path);
        mem_free(path);
        free(entries[i]);
    }
    if (count <= 0) {
        fail(folder, "no input in it");
    }
    free(entries);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct stat about;
        if (stat(argv[i], &about) == 0 && S_ISDIR(about.st_mode)) {
            run_folder(argv[i]);
        } else {
            run_file(argv[i]);
        }
    }
    /* As Criterion closes, so that whoever counts tests counts these. */
    printf("Tested: %lu | Passing: %lu | Failing: 0 | Crashing: 0\n", inputs, inputs);
    return inputs > 0 ? 0 : 1;
}

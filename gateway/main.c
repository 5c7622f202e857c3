/* The gateway's command line; everything is in cli.c and serve.c.
 */
#include <fcntl.h>
#include <unistd.h>

#include "cli.h"

/* Where the caller has closed one, the next descriptor that is opened, a client's connection even, would be
 * taken for the log. */
static void fill_standard_streams(void)
{
    int fd;

    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO) {
        close(fd);
    }
}

int main(int argc, char **argv)
{
    fill_standard_streams();
    return cli_main(argc, argv);
}

/* The gateway's command line; everything is in cli.c and serve.c.
 */
#include "cli.h"

int main(int argc, char **argv)
{
    return cli_main(argc, argv);
}

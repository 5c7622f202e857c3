/* See cpu.h. The first two numbers of /proc/PID/task/TID/schedstat; see Documentation/scheduler/sched-stats
 * in Linux. */
#include "cpu.h"

#include <dirent.h>
#include <stdio.h>

static void add_thread(int pid, const char *thread, cpu_t *cpu)
{
    char path[300];
    long long used, waited;

    snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", pid, thread);
    FILE *file = fopen(path, "re");
    if (!file) {
        return;
    }
    if (fscanf(file, "%lld %lld", &used, &waited) == 2) {
        cpu->used_ns += used;
        cpu->waited_ns += waited;
    }
    fclose(file);
}

cpu_t cpu_of(int pid)
{
    char path[64];
    cpu_t cpu = { 0 };
    struct dirent *entry;

    snprintf(path, sizeof(path), "/proc/%d/task", pid);
    DIR *threads = opendir(path);
    if (!threads) {
        return cpu;
    }
    while ((entry = readdir(threads))) {
        if (entry->d_name[0] != '.') {
            add_thread(pid, entry->d_name, &cpu);
        }
    }
    closedir(threads);
    return cpu;
}

cpu_t cpu_between(cpu_t before, cpu_t after)
{
    return (cpu_t){ after.used_ns - before.used_ns, after.waited_ns - before.waited_ns };
}

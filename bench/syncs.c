/* Counts the syncs of every process that it is preloaded into, and makes each take longer where that is wanted.
 *
 * BENCH_SYNCS names a file of eight bytes, mapped by all of them: the count. BENCH_SYNC_DELAY is in microseconds.
 * Built by bench/syncs.py: cc -shared -fPIC -O2 -o syncs.so syncs.c -ldl
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static uint64_t *count;
static long delay;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("BENCH_SYNCS"), *wanted = getenv("BENCH_SYNC_DELAY");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

    delay = wanted ? atol(wanted) : 0;
    if (file >= 0) {
        void *mapped = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        count = mapped == MAP_FAILED ? NULL : mapped;
        close(file);
    }
}

static void synced(void)
{
    if (count)
        __atomic_add_fetch(count, 1, __ATOMIC_RELAXED);
    if (delay) {
        struct timespec wait = {delay / 1000000, delay % 1000000 * 1000};
        nanosleep(&wait, NULL);
    }
}

int fsync(int file)
{
    static int (*real)(int);
    if (!real)
        real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    synced();
    return real(file);
}

int fdatasync(int file)
{
    static int (*real)(int);
    if (!real)
        real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    synced();
    return real(file);
}

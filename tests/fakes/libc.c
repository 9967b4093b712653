/* Preloaded into a process: its disk is slow or fails, its wall clock is wrong, as the page says that $FAULTS names.

   Nothing else of the process changes: the program, SQLite and Python are the real ones, and CLOCK_MONOTONIC is not
   touched. The page is written by the test while the process runs (tests/fakes/libc.py). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct page {
    volatile int64_t clock_ms, sync_ms, sync_error, write_error, syncs, writes_refused;
};

static struct page nothing, *page = &nothing;

__attribute__((constructor)) static void begin(void) {
    const char *name = getenv("FAULTS");
    int file = name ? open(name, O_RDWR | O_CLOEXEC) : -1;
    void *found = file < 0 ? MAP_FAILED : mmap(NULL, sizeof nothing, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (found != MAP_FAILED) page = found;
    if (file >= 0) close(file);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int on_disk(int file) {
    struct stat about;
    return fstat(file, &about) == 0 && S_ISREG(about.st_mode);
}

static int synced(int file, int (*real)(int)) {
    __sync_fetch_and_add(&page->syncs, 1);
    if (page->sync_ms) usleep((useconds_t)(page->sync_ms * 1000));
    if (page->sync_error) return errno = (int)page->sync_error, -1;
    return real(file);
}

int fsync(int file) { return synced(file, REAL(fsync)); }
int fdatasync(int file) { return synced(file, REAL(fdatasync)); }

static int refused(int file) {
    if (!page->write_error || !on_disk(file)) return 0;
    __sync_fetch_and_add(&page->writes_refused, 1);
    return errno = (int)page->write_error, 1;
}

ssize_t pwrite64(int file, const void *bytes, size_t size, off64_t at) {
    return refused(file) ? -1 : REAL(pwrite64)(file, bytes, size, at);
}

ssize_t pwrite(int file, const void *bytes, size_t size, off_t at) {
    return refused(file) ? -1 : REAL(pwrite)(file, bytes, size, at);
}

int clock_gettime(clockid_t which, struct timespec *now) {
    int answer = REAL(clock_gettime)(which, now);
    if (answer == 0 && which == CLOCK_REALTIME) {
        int64_t ms = page->clock_ms;
        now->tv_sec += ms / 1000;
    }
    return answer;
}

time_t time(time_t *kept) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (kept) *kept = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

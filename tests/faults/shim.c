/* Disks that fail to flush and clocks that step, for a process that is started with this library preloaded.

   FAULT_SHIM names a file that both sides map:
     int64 calls, failures        counted here
     int64 fail_ppm               how many flushes in a million fail
     int64 delay_us               how long each flush takes longer
     int64 seed
     char  where[216]             only files whose path contains this

   A flush that fails loses what was written since the last one, as a page cache does that has dropped its dirty pages:
   the bytes are there and are zero. Whoever flushes again gets a success and nothing else. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct control {
    volatile int64_t calls, failures, fail_ppm, delay_us, seed;
    char where[216];
};

#define KNOWN 65536
struct known {
    dev_t device;
    ino_t inode;
    off_t safe;
};

static struct control *control;
static struct known known[KNOWN];
static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
static int (*real_fsync)(int), (*real_fdatasync)(int);

__attribute__((constructor)) static void init(void) {
    const char *path = getenv("FAULT_SHIM");
    int file = path ? open(path, O_RDWR) : -1;
    real_fsync = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    if (file >= 0) {
        void *page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        control = page == MAP_FAILED ? 0 : page;
        close(file);
    }
}

static uint64_t next_random(void) {
    uint64_t x = (uint64_t)control->seed * 6364136223846793005ULL + 1442695040888963407ULL;
    control->seed = (int64_t)x;
    return x >> 33;
}

static struct known *entry_of(const struct stat *found) {
    uint64_t at = (uint64_t)found->st_ino * 2654435761U + found->st_dev;
    for (int tries = 0; tries < KNOWN; tries++, at++) {
        struct known *entry = &known[at % KNOWN];
        if (!entry->inode) {
            entry->device = found->st_dev;
            entry->inode = found->st_ino;
            return entry;
        }
        if (entry->inode == found->st_ino && entry->device == found->st_dev) return entry;
    }
    return 0;
}

static void drop(int file, off_t from, off_t to) {
    char name[64], zeros[65536];
    memset(zeros, 0, sizeof zeros);
    snprintf(name, sizeof name, "/proc/self/fd/%d", file);
    int other = open(name, O_WRONLY | O_CLOEXEC);
    while (other >= 0 && from < to) {
        size_t most = to - from < (off_t)sizeof zeros ? (size_t)(to - from) : sizeof zeros;
        ssize_t done = pwrite(other, zeros, most, from);
        if (done <= 0) break;
        from += done;
    }
    if (other >= 0) close(other);
}

static int flush(int file, int (*real)(int)) {
    char name[64], path[4096];
    struct stat found;
    if (!control || fstat(file, &found)) return real(file);
    snprintf(name, sizeof name, "/proc/self/fd/%d", file);
    ssize_t length = readlink(name, path, sizeof path - 1);
    if (length < 0) return real(file);
    path[length] = 0;
    if (!strstr(path, control->where)) return real(file);
    if (control->delay_us) usleep((useconds_t)control->delay_us);
    pthread_mutex_lock(&one);
    control->calls++;
    int fails = (int64_t)(next_random() % 1000000) < control->fail_ppm;
    struct known *entry = S_ISREG(found.st_mode) ? entry_of(&found) : 0;
    if (entry && found.st_size < entry->safe) entry->safe = 0; /* the inode is another file by now */
    int result = -1;
    if (fails) {
        control->failures++;
        if (entry) drop(file, entry->safe, found.st_size);
        errno = EIO;
    } else {
        result = real(file);
        if (entry && !result) entry->safe = found.st_size;
    }
    pthread_mutex_unlock(&one);
    return result;
}

int fsync(int file) { return flush(file, real_fsync); }
int fdatasync(int file) { return flush(file, real_fdatasync); }

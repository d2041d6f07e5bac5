// Preloaded under a daemon by no_room.py: while the file NO_WRITING_FLAG is there, what would change a file below
// NO_WRITING_BELOW fails with EROFS, as on a file system that was remounted read-only while its files were open.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static int forbidden(void) {
    const char *flag = getenv("NO_WRITING_FLAG");
    return flag && access(flag, F_OK) == 0;
}

static int below(const char *path) {
    const char *folder = getenv("NO_WRITING_BELOW");
    return folder && path && strncmp(path, folder, strlen(folder)) == 0;
}

static int refused(int fd) {
    char link[64], path[PATH_MAX];
    if (!forbidden()) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    if (!below(path)) return 0;
    errno = EROFS;
    return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *from, size_t n) { return refused(fd) ? -1 : REAL(write)(fd, from, n); }
ssize_t pwrite(int fd, const void *from, size_t n, off_t at) { return refused(fd) ? -1 : REAL(pwrite)(fd, from, n, at); }
ssize_t pwrite64(int fd, const void *from, size_t n, off64_t at) { return refused(fd) ? -1 : REAL(pwrite64)(fd, from, n, at); }
int ftruncate(int fd, off_t to) { return refused(fd) ? -1 : REAL(ftruncate)(fd, to); }
int ftruncate64(int fd, off64_t to) { return refused(fd) ? -1 : REAL(ftruncate64)(fd, to); }
int posix_fallocate(int fd, off_t at, off_t n) { return refused(fd) ? EROFS : REAL(posix_fallocate)(fd, at, n); }

static int opening(int at, const char *path, int flags, mode_t mode) {
    if ((flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)) && below(path) && forbidden()) {
        errno = EROFS;
        return -1;
    }
    return REAL(openat64)(at, path, flags, mode);
}

#define OPEN(name, head, at)                                     \
    int name head {                                              \
        va_list more;                                            \
        va_start(more, flags);                                   \
        mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0; \
        va_end(more);                                            \
        return opening(at, path, flags, mode);                   \
    }
OPEN(open, (const char *path, int flags, ...), AT_FDCWD)
OPEN(open64, (const char *path, int flags, ...), AT_FDCWD)

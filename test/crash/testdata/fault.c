// A disk that fails, for the state file of a server: LD_PRELOAD this library and
// point STEPWELL_FAULT at a folder. It stands between SQLite and the C library for
// files named stepwell.db*. In the mode WAREHOUSE it is the files of DuckDB that
// cannot be written: databases, their logs, and those of UNLOAD.
//
// Folder/control is one byte, which a test may change at any time: the mode below.
// Folder/faults counts the faults that were injected, in a 32-bit word.
//
// Folder/stepwell.db and stepwell.db-wal are what the disk would hold after a
// power cut: a block (4096 bytes) reaches them with the fsync that follows its
// last write. A failed fsync leaves its blocks clean and not written, as Linux
// does. Folder/dirty-0 and -1 keep which blocks are dirty, a byte for each, so
// that a later process's fsync writes what an earlier process wrote.
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

enum { NONE, FULL, SHORT, SYNC, SOMETIMES, WAREHOUSE };
enum { BLOCK = 4096, BLOCKS = 65536 };

static const char *names[] = {"stepwell.db", "stepwell.db-wal"};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static volatile unsigned char *control;
static volatile uint32_t *faults;
static unsigned char *dirty[2];
static int image[2] = {-1, -1};
static unsigned turn;

static ssize_t (*real_pwrite)(int, const void *, size_t, off64_t);
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_ftruncate)(int, off64_t);

static int file(const char *folder, const char *name) {
	char path[4096];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	if (fd < 0) abort();
	return fd;
}

static void *shared(const char *folder, const char *name, size_t size) {
	int fd = file(folder, name);
	struct stat st;
	if (fstat(fd, &st) != 0 || ((size_t)st.st_size < size && real_ftruncate(fd, size) != 0)) abort();
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED) abort();
	close(fd);
	return p;
}

__attribute__((constructor)) static void begin(void) {
	real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
	real_write = dlsym(RTLD_NEXT, "write");
	real_fsync = dlsym(RTLD_NEXT, "fsync");
	real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
	real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
	const char *folder = getenv("STEPWELL_FAULT");
	if (!folder) return;
	control = shared(folder, "control", 1);
	faults = shared(folder, "faults", 4);
	for (int i = 0; i < 2; i++) {
		char name[] = "dirty-0";
		name[6] += i;
		dirty[i] = shared(folder, name, BLOCKS);
		image[i] = file(folder, names[i]);
	}
}

// which says whether fd is the database (0), its log (1), another file beside
// them (2), or nothing of ours (-1).
static int which(int fd) {
	char link[64], path[4096];
	if (!control) return -1;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof path - 1);
	if (n <= 0) return -1;
	path[n] = 0;
	const char *name = strrchr(path, '/');
	if (!name || strncmp(name + 1, names[0], strlen(names[0])) != 0) return -1;
	for (int i = 0; i < 2; i++)
		if (strcmp(name + 1, names[i]) == 0) return i;
	return 2;
}

// full says whether fd is a file of the warehouse on a disk that is full for it.
static int full(int fd) {
	char link[64], path[4096];
	if (!control || *control != WAREHOUSE) return 0;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof path - 1);
	if (n <= 0) return 0;
	path[n] = 0;
	return strstr(path, "/redshift/") || strstr(path, "/.s3/tmp/");
}

static int fail(int error) {
	__sync_fetch_and_add(faults, 1);
	errno = error;
	return -1;
}

static void mark(int file, off64_t from, off64_t to) {
	if (file > 1) return;
	for (off64_t b = from / BLOCK; b * BLOCK < to; b++) {
		if (b >= BLOCKS) abort();
		dirty[file][b] = 1;
	}
}

ssize_t pwrite64(int fd, const void *buf, size_t n, off64_t at) {
	if (full(fd)) return fail(ENOSPC);
	int f = which(fd);
	if (f < 0) return real_pwrite(fd, buf, n, at);
	int mode = *control;
	if (mode == FULL) return fail(ENOSPC);
	if (mode == SHORT) { // half of it, then nothing
		if (n < 16) return fail(ENOSPC);
		__sync_fetch_and_add(faults, 1);
		n /= 2;
	}
	pthread_mutex_lock(&lock);
	ssize_t written = real_pwrite(fd, buf, n, at);
	if (written > 0) mark(f, at, at + written);
	pthread_mutex_unlock(&lock);
	return written;
}

ssize_t pwrite(int fd, const void *buf, size_t n, off_t at) { return pwrite64(fd, buf, n, at); }

ssize_t write(int fd, const void *buf, size_t n) {
	if (!real_write) real_write = dlsym(RTLD_NEXT, "write"); // called before the constructor
	return full(fd) ? fail(ENOSPC) : real_write(fd, buf, n);
}

int ftruncate64(int fd, off64_t size) {
	int f = which(fd);
	if (f >= 0 && *control == FULL) return fail(ENOSPC);
	return real_ftruncate(fd, size);
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

// settle makes a file durable, or loses what is dirty.
static void settle(int fd, int file, int lost) {
	char block[BLOCK];
	struct stat st;
	if (!lost && (fstat(fd, &st) != 0 || real_ftruncate(image[file], st.st_size) != 0)) abort();
	for (off64_t b = 0; b < BLOCKS; b++) {
		if (!dirty[file][b]) continue;
		ssize_t n = lost ? 0 : pread64(fd, block, BLOCK, b * BLOCK);
		if (n > 0 && real_pwrite(image[file], block, n, b * BLOCK) != n) abort();
		dirty[file][b] = 0;
	}
}

static int sync_file(int fd, int (*real)(int)) {
	int f = which(fd);
	if (f < 0 || f > 1) return real(fd);
	int mode = *control;
	pthread_mutex_lock(&lock);
	int lost = mode == SYNC || (mode == SOMETIMES && ++turn % 7 == 0);
	settle(fd, f, lost);
	pthread_mutex_unlock(&lock);
	return lost ? fail(EIO) : real(fd);
}

int fsync(int fd) { return sync_file(fd, real_fsync); }

int fdatasync(int fd) { return sync_file(fd, real_fdatasync); }

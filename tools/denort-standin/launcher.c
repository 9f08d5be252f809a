/*
 * A stand-in for denort, for tests on machines that cannot download the real one. `deno compile` with DENORT_BIN set to
 * this program puts its payload into a note section of a copy of it. The copy, when run, lets the loader (below, as bytes)
 * unpack that payload once into a private folder, and then becomes `deno run ...` with the flags the payload asks for:
 * same process, so signals and exit codes pass through.
 *
 * ZTNA_STANDIN_DENO   the deno to become; default: the first in PATH
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_ARGS 1024

static const char loader[] = {
#include "loader.inc"
};

static void fail(const char *what) {
  fprintf(stderr, "denort stand-in: %s: %s\n", what, strerror(errno));
  exit(126);
}

static char *format(const char *pattern, const char *a, const char *b) {
  char *text;
  if (asprintf(&text, pattern, a, b) < 0) fail("memory");
  return text;
}

/* A folder only we can write to, or nothing. */
static char *private_folder(void) {
  char *folder;
  struct stat facts;
  if (asprintf(&folder, "/tmp/ztna-standin-%u", (unsigned)getuid()) < 0) fail("memory");
  if (mkdir(folder, 0700) != 0 && errno != EEXIST) fail(folder);
  if (lstat(folder, &facts) != 0) fail(folder);
  if (!S_ISDIR(facts.st_mode) || facts.st_uid != getuid() || (facts.st_mode & 022) != 0) {
    errno = EPERM;
    fail(folder);
  }
  return folder;
}

/* One folder per build: a rebuilt program has another inode, size or time. */
static char *folder_of(const char *program) {
  char *name;
  struct stat facts;
  if (stat(program, &facts) != 0) fail(program);
  if (asprintf(&name, "%lx-%lx-%lx%09lx", (long)facts.st_ino, (long)facts.st_size, (long)facts.st_mtim.tv_sec,
               (long)facts.st_mtim.tv_nsec) < 0) fail("memory");
  return format("%s/%s", private_folder(), name);
}

static void run_loader(const char *deno, const char *program, const char *folder) {
  char *script = format("%s/%s", folder, "loader.mjs");
  int file = open(script, O_CREAT | O_EXCL | O_WRONLY, 0600);
  if (file < 0 || write(file, loader, sizeof loader) != (ssize_t)sizeof loader) fail(script);
  close(file);
  pid_t child = fork();
  if (child < 0) fail("fork");
  if (child == 0) {
    execlp(deno, deno, "run", "--quiet", "--no-config", "--no-lock", "--allow-read", "--allow-write", script, program,
           folder, (char *)NULL);
    fail(deno);
  }
  int status;
  if (waitpid(child, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) exit(126);
}

/* Unpacks beside the final place and moves it there in one step, so that two first runs cannot disturb each other. */
static void unpack(const char *deno, const char *program, const char *folder) {
  char *draft = format("%s%s", folder, ".XXXXXX");
  if (mkdtemp(draft) == NULL) fail(draft);
  run_loader(deno, program, draft);
  if (rename(draft, folder) != 0 && errno != EEXIST && errno != ENOTEMPTY) fail(folder);
}

int main(int count, char **given) {
  static char program[4096], flags[65536];
  ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
  if (length < 0) fail("/proc/self/exe");
  const char *chosen = getenv("ZTNA_STANDIN_DENO");
  const char *deno = chosen != NULL ? chosen : "deno";

  char *folder = folder_of(program);
  char *list = format("%s/%s", folder, "flags");
  if (access(list, R_OK) != 0) unpack(deno, program, folder);

  int file = open(list, O_RDONLY);
  if (file < 0) fail(list);
  ssize_t size = read(file, flags, sizeof flags - 1);
  close(file);
  if (size <= 0) fail(list);

  char *args[MAX_ARGS];
  int next = 0;
  args[next++] = (char *)deno;
  for (char *flag = flags; flag < flags + size && next < MAX_ARGS - 1; flag += strlen(flag) + 1) {
    /* A flag that starts with "@" is a path inside the folder. */
    args[next++] = flag[0] == '@' ? format("%s/%s", folder, flag + 1) : flag;
  }
  for (int i = 1; i < count && next < MAX_ARGS - 1; i++) args[next++] = given[i];
  args[next] = NULL;
  setenv("ZTNA_STANDIN_EXE", program, 1);
  execvp(deno, args);
  fail(deno);
}

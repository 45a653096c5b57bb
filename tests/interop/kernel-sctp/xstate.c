// Preloaded into linux.uml: lets it run on processors whose register state is larger than what it was built for.
//
// The user-mode kernel sets its processes' extended registers (NT_X86_XSTATE) from a buffer of fixed size. A host takes whole states only, and
// with AMX a state is larger: EFAULT, and the guest panics at its first process. Here the state is read whole, the part that the kernel knows is
// laid over it, and the whole is set.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>

typedef long (*ptrace_call)(long, pid_t, void*, void*);

long ptrace(enum __ptrace_request request, ...) {
  static ptrace_call real;
  if (!real) real = (ptrace_call)dlsym(RTLD_NEXT, "ptrace");
  va_list arguments;
  va_start(arguments, request);
  const pid_t pid = va_arg(arguments, pid_t);
  void* const address = va_arg(arguments, void*);
  void* const data = va_arg(arguments, void*);
  va_end(arguments);
  if (request != PTRACE_SETREGSET || (long)address != NT_X86_XSTATE) return real(request, pid, address, data);

  static char whole[65536] __attribute__((aligned(64)));
  const struct iovec* const known = data;
  struct iovec all = {whole, sizeof whole};
  const long got = real(PTRACE_GETREGSET, pid, address, &all);
  if (got != 0 || known->iov_len >= all.iov_len) return real(request, pid, address, data);
  memcpy(whole, known->iov_base, known->iov_len);
  return real(PTRACE_SETREGSET, pid, address, &all);
}

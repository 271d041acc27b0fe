/* To be preloaded (ld.so(8)): from the FAIL_ATth on, this REQUEST fails. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ptrace.h>

long ptrace(enum __ptrace_request request, ...)
{
    static long (*real)(int, int, void *, void *);
    static int calls;
    const char *at = getenv("FAIL_AT");
    va_list rest;

    va_start(rest, request);
    int pid = va_arg(rest, int);
    void *address = va_arg(rest, void *), *data = va_arg(rest, void *);
    va_end(rest);
    if (real == NULL)
        real = (long (*)(int, int, void *, void *))dlsym(RTLD_NEXT, "ptrace");
    if (request == REQUEST && at != NULL && ++calls >= atoi(at)) {
        errno = EIO;
        return -1;
    }
    return real(request, pid, address, data);
}

/* One client at a time; more than 10 bytes at once are the end. */
#include "common.h"

int main(void)
{
    int l = listener_on(0);

    for (;;) {
        int fd = accept(l, NULL, NULL);
        char buf[64];
        ssize_t n;
        while ((n = read(fd, buf, sizeof buf)) > 0) {
            if (n > 10)
                *(volatile int *)0 = 1;
            write(fd, buf, n);
        }
        close(fd);
    }
}

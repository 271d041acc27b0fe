/* poll, one recv per report. */
#include "common.h"

int main(void)
{
    struct pollfd fds[MANY] = { { .fd = listener_on(0), .events = POLLIN } };
    int count = 1;

    for (;;) {
        poll(fds, count, -1);
        int known = count;
        for (int i = 0; i < known; i++) {
            char buf[5];
            if (fds[i].revents == 0)
                continue;
            if (i == 0) {
                int fd = accept(fds[0].fd, NULL, NULL);
                fds[count++] = (struct pollfd){ .fd = fd, .events = POLLIN };
                continue;
            }
            ssize_t n = recv(fds[i].fd, buf, sizeof buf, 0);
            if (n <= 0) {
                close(fds[i].fd);
                fds[i].fd = -1; /* poll passes it over */
            } else {
                send(fds[i].fd, buf, n, MSG_NOSIGNAL);
            }
        }
    }
}

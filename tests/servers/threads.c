/* A thread for each client. */
#include "common.h"

static void *serve(void *arg)
{
    int fd = (int)(long)arg;
    char buf[5];
    ssize_t n;

    while ((n = recv(fd, buf, sizeof buf, 0)) > 0)
        send(fd, buf, n, MSG_NOSIGNAL);
    close(fd);
    return NULL;
}

int main(void)
{
    int l = listener_on(0);

    for (;;) {
        int fd = accept(l, NULL, NULL);
        pthread_t t;
        pthread_create(&t, NULL, serve, (void *)(long)fd);
        pthread_detach(t);
    }
}

/* Programs that are no servers, or not such as can be watched: argv[1] says
   which. */
#include "common.h"

static void *idle(void *arg)
{
    for (;;)
        pause();
    return arg;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    char line[64];

    if (strcmp(what, "ends") == 0) {
        puts("nothing to do");
        return 3;
    } else if (strcmp(what, "sleeps") == 0) {
        pause();
    } else if (strcmp(what, "reads") == 0) {
        fgets(line, sizeof line, stdin);
    } else if (strcmp(what, "terminal") == 0) {
        if (!isatty(0) || !isatty(1))
            die("no terminal");
        listener_on(0);
        pause();
    } else if (strcmp(what, "background") == 0) {
        listener_on(0);
        if (daemon(1, 0) == -1)
            die("daemon");
        pause();
    } else if (strcmp(what, "two") == 0) {
        listener_on(7001);
        listener_on(7002);
        pause();
    } else if (strcmp(what, "unix") == 0) {
        struct sockaddr_un a = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        snprintf(a.sun_path + 1, sizeof a.sun_path - 1, "watch-%d", getpid());
        bind(fd, (struct sockaddr *)&a, sizeof a);
        listen(fd, 5);
        accept(fd, NULL, NULL);
    } else if (strcmp(what, "taken") == 0) {
        listener_on(7003);
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(7003) };
        a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (bind(fd, (struct sockaddr *)&a, sizeof a) == -1)
            die("bind");
    } else if (strcmp(what, "uring") == 0) {
        char params[256] = { 0 };
        listener_on(0);
        long ring = syscall(SYS_io_uring_setup, 8, params);
        syscall(SYS_io_uring_enter, (int)ring, 0, 0, 0, NULL, 0);
        pause();
    } else if (strcmp(what, "setuid") == 0) {
        pthread_t t;
        int l = listener_on(0);
        pthread_create(&t, NULL, idle, NULL);
        accept(l, NULL, NULL);
        setuid(getuid()); /* glibc tells the other thread by a signal */
        accept(l, NULL, NULL);
        pause();
    } else if (strcmp(what, "stale") == 0) {
        int l = listener_on(0), ep = epoll_create1(0);
        struct epoll_event event = { .events = EPOLLIN };
        int first = accept(l, NULL, NULL), again;
        event.data.fd = first;
        epoll_ctl(ep, EPOLL_CTL_ADD, first, &event);
        again = dup(first);
        close(first); /* the open file stays, and stays registered */
        if (accept(l, NULL, NULL) != first)
            die("another number");
        for (;;) {
            epoll_wait(ep, &event, 1, -1);
            recv(again, line, sizeof line, 0);
        }
    } else if (strcmp(what, "pipe") == 0) {
        int ends[2], ep = epoll_create1(0);
        struct epoll_event event = { .events = EPOLLIN };
        pipe(ends);
        epoll_ctl(ep, EPOLL_CTL_ADD, ends[0], &event);
        for (;;) {
            write(ends[1], "tick", 4);
            epoll_wait(ep, &event, 1, -1);
            read(ends[0], line, 4);
            usleep(1000);
        }
    } else if (strcmp(what, "v6") == 0) {
        struct sockaddr_in6 a = { .sin6_family = AF_INET6 };
        int l = socket(AF_INET6, SOCK_STREAM, 0), on = 1;
        setsockopt(l, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
        bind(l, (struct sockaddr *)&a, sizeof a);
        listen(l, 5);
        for (;;) {
            int fd = accept(l, NULL, NULL);
            ssize_t n;
            while ((n = read(fd, line, sizeof line)) > 0)
                write(fd, line, n);
            close(fd);
        }
    }
    return 0;
}

/** The part of the package `epoll` that is used here; it brings no types. */
declare module 'epoll' {
  interface Epoll {
    add(fd: number, events: number): this;
    remove(fd: number): this;
    close(): void;
  }
  interface EpollClass {
    readonly EPOLLIN: number;
    readonly EPOLLPRI: number;
    readonly EPOLLHUP: number;
    readonly EPOLLERR: number;
    new (listener: (error: Error | null, fd: number, events: number) => void): Epoll;
  }
  const epoll: { readonly Epoll: EpollClass };
  export default epoll;
}

/** Requests from the operating system, and the end. A listener is called for each: a second one may mean "at once". */
export interface Signals {
  /** SIGTERM and SIGINT. */
  onTerminate(listener: () => void): void
  /** SIGHUP. */
  onReload(listener: () => void): void
  /** The process ends, for whatever reason: only what the listener does at once is done. */
  onExit(listener: () => void): void
}

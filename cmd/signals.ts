/** Signals and process end. Listeners are called for every signal, because a second one may mean "at once". */
export interface Signals {
  /** SIGTERM and SIGINT. */
  onTerminate(listener: () => void): void
  /** SIGHUP. */
  onReload(listener: () => void): void
  /** At the end of the process, normal or not. Only the synchronous part of the listener runs. */
  onExit(listener: () => void): void
}

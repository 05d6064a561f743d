/** undici itself declares no types for the files of its library. */
declare module 'undici/lib/dispatcher/client.js' {
  export { Client as default } from 'undici'
}

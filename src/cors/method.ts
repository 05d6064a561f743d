/**
 * The method as fetch sends it: these six in upper case, every other one as the page writes it
 * (https://fetch.spec.whatwg.org/#concept-method-normalize), so that `put` is PUT and `patch` stays `patch`.
 */
export const fetchMethod = (method: string): string =>
  /^(?:delete|get|head|options|post|put)$/i.test(method) ? method.toUpperCase() : method

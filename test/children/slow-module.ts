/** Takes longer to load than one call may take, like a parser on a busy machine. */
const until = performance.now() + 600
while (performance.now() < until);

export const answer = (): number => 42

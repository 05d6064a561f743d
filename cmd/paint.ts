/** Terminal colours. With `colour` false, every function returns its text unchanged. */
export function paint(colour: boolean) {
  const code =
    (number: number) =>
    (text: string): string =>
      colour ? `\u001b[${number}m${text}\u001b[0m` : text
  return {
    strong: code(1),
    faint: code(2),
    bad: code(31),
    good: code(32),
    warn: code(33),
    note: code(36),
  } as const
}

import { createLineIndex } from '../source.ts'

/** Why a text cannot be read. Line and column count from 1. */
export interface Fault {
  readonly line: number
  readonly column: number
  readonly message: string
}

export const faultAt = (text: string, offset: number, message: string): Fault => ({
  ...createLineIndex(text)(offset),
  message,
})

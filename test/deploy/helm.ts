import { spawnSync } from 'node:child_process'

/** `HELM_PATH`, or the helm on the PATH. */
export const helm = process.env.HELM_PATH || 'helm'

export const hasHelm = spawnSync(helm, ['version']).status === 0

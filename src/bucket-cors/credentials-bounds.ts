/** Bounds of a credentials file, checked before it is parsed. */
export const maxCredentialsBytes = 262_144
export const maxAccessKeys = 1000

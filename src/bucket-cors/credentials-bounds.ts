/** Checked before the credentials file is parsed. */
export const maxCredentialsBytes = 262_144
export const maxAccessKeys = 1000

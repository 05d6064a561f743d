/**
 * Values of `convert --from`, in the order in which detection tries them: formats of a single product come before those
 * that several products share or that only differ in naming style.
 */
export const foreignNames = [
  'serverless',
  'cloudformation',
  'pulumi',
  'ansible',
  'r2',
  'b2',
  'azure',
  'gcs',
  'cdk',
  'terraform',
] as const
export type ForeignName = (typeof foreignNames)[number]

/** Values of `convert --from`. Formats of a single product come before those that only differ in naming style. */
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

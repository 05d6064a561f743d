/** The words for `convert --from`: formats of one product each before those that only a style of names tells apart. */
export const foreignNames = [
  'cloudformation',
  'serverless',
  'pulumi',
  'ansible',
  'r2',
  'b2',
  'azure',
  'gcs',
  'terraform',
  'cdk',
] as const
export type ForeignName = (typeof foreignNames)[number]

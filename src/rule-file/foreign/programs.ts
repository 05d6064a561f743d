/** Pulumi programs and exported stacks, Ansible tasks, and properties in the style of the AWS CDK. */

import type { SourceNode } from '../source.ts'
import {
  bucketNames,
  computedRules,
  type ForeignFormat,
  found,
  isCorsType,
  listed,
  mappingEntries,
  resourceRules,
  withKeys,
} from './found.ts'
import { fieldOf, mappingsIn, mappingsOf, textOf } from './node.ts'

export const pulumi: ForeignFormat = {
  id: 'pulumi',
  title: 'Pulumi',
  source: 'https://www.pulumi.com/registry/packages/aws/api-docs/s3/bucketcorsconfiguration/',
  zeroMaxAge: 'unset',
  find(root) {
    const exported = mappingsOf(fieldOf(fieldOf(root, 'deployment'), 'resources'))
    if (exported.length > 0)
      return exported.flatMap((resource) =>
        resourceRules(fieldOf(resource, 'outputs', 'inputs'), {
          alias: urnName(resource),
          isOwnResource: isCorsType(fieldOf(resource, 'type')),
        }),
      )
    const resources = mappingEntries(fieldOf(root, 'resources'))
    return resources.flatMap(([alias, resource]) => {
      const values = fieldOf(resource, 'properties')
      const written = fieldOf(values, ...bucketNames)
      // ${uploads.id}: the bucket of another resource.
      const [, referred] = /^\$\{([\w-]+)\.\w+\}$/.exec(textOf(written) ?? '') ?? []
      const bucket = referred === undefined ? undefined : fieldOf(fieldOf(root, 'resources'), referred)
      const name = fieldOf(fieldOf(bucket, 'properties'), ...bucketNames) ?? written
      return resourceRules(values, { name, alias, isOwnResource: isCorsType(fieldOf(resource, 'type')) })
    })
  },
}

/** The last part of a Pulumi URN is the name that the program gave the resource. */
const urnName = (resource: SourceNode): string | undefined =>
  textOf(fieldOf(resource, 'urn'))?.split('::').at(-1)

export const ansible: ForeignFormat = {
  id: 'ansible',
  title: 'Ansible',
  source: 'https://docs.ansible.com/ansible/latest/collections/community/aws/s3_cors_module.html',
  find: (root) =>
    [...mappingsIn(root)].flatMap((task) =>
      task.entries
        .filter(({ key }) => /(?:^|\.)(?:aws_)?s3_cors$/.test(key))
        .flatMap(({ value }) =>
          found(fieldOf(value, 'rules') ?? computedRules(value), { name: fieldOf(value, 'name') }),
        ),
    ),
}

const camelKeys = [
  'allowedOrigins',
  'allowOrigins',
  'allowedMethods',
  'allowMethods',
  'exposedHeaders',
  'maxAge',
]

export const cdk: ForeignFormat = {
  id: 'cdk',
  title: 'AWS CDK, Pulumi, SST or the Serverless Framework',
  source: 'https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.aws_s3.CorsRule.html',
  find(root) {
    const name = fieldOf(root, 'bucketName', 'bucket')
    const wrapped = withKeys(fieldOf(root, 'cors', 'corsRules', 'corsConfiguration'), ...camelKeys)
    if (wrapped !== undefined) return found(wrapped, { name })
    return found(withKeys(listed(root), 'exposedHeaders', 'maxAge', 'allowOrigins', 'allowMethods'))
  },
}

import type { CorsMethod } from './rule.ts'

/** The fields of a rule that a preset fills in. Origins are not among them, because they must never have a default. */
export interface Preset {
  /** A few words for help and documentation. */
  readonly purpose: string
  readonly allowedMethods: readonly CorsMethod[]
  readonly allowedHeaders: readonly string[]
  readonly exposeHeaders: readonly string[]
  readonly maxAgeSeconds: number
}

/** What each client library sends and must be able to read, recorded from the library running in a browser. */
export const presets = {
  'public-read': {
    purpose: 'images, fonts and downloads that any page may show',
    allowedMethods: ['GET', 'HEAD'],
    allowedHeaders: ['range'],
    exposeHeaders: [],
    maxAgeSeconds: 3600,
  },
  'range-read': {
    purpose: 'clients that read parts of a file: pdf.js, hls.js, PMTiles, DuckDB, cloud-optimised GeoTIFF',
    allowedMethods: ['GET', 'HEAD'],
    allowedHeaders: ['range', 'if-match', 'if-range', 'if-none-match', 'if-modified-since'],
    exposeHeaders: ['Accept-Ranges', 'Content-Range', 'Content-Encoding', 'ETag'],
    maxAgeSeconds: 3600,
  },
  'presigned-upload': {
    purpose: 'uploads to presigned URLs',
    allowedMethods: ['PUT', 'POST', 'HEAD'],
    allowedHeaders: ['content-type', 'content-md5', 'content-disposition', 'cache-control', 'x-amz-*'],
    exposeHeaders: ['ETag', 'Location'],
    maxAgeSeconds: 600,
  },
  'uppy-s3': {
    purpose: '@uppy/aws-s3, single and multipart',
    allowedMethods: ['GET', 'PUT', 'POST', 'DELETE'],
    allowedHeaders: [
      'content-type',
      'content-disposition',
      'authorization',
      'x-amz-date',
      'x-amz-content-sha256',
      'x-amz-security-token',
    ],
    exposeHeaders: ['ETag', 'Location'],
    maxAgeSeconds: 3000,
  },
  'aws-sdk-js-v3': {
    purpose: '@aws-sdk/client-s3 and @aws-sdk/lib-storage in a page',
    allowedMethods: ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'],
    allowedHeaders: [
      'authorization',
      'amz-sdk-invocation-id',
      'amz-sdk-request',
      'x-amz-*',
      'content-type',
      'content-md5',
      'content-disposition',
      'content-encoding',
      'cache-control',
      'range',
      'if-*',
    ],
    exposeHeaders: ['ETag', 'x-amz-version-id', 'x-amz-request-id', 'x-amz-id-2', 'Content-Range'],
    maxAgeSeconds: 3000,
  },
  'cos-js-sdk-v5': {
    purpose: 'cos-js-sdk-v5 in a page',
    allowedMethods: ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'],
    allowedHeaders: [
      'authorization',
      'x-cos-*',
      'content-type',
      'content-md5',
      'cache-control',
      'content-disposition',
      'content-encoding',
      'range',
      'if-*',
    ],
    exposeHeaders: ['ETag', 'x-cos-request-id', 'x-cos-version-id', 'Content-Range'],
    maxAgeSeconds: 600,
  },
  'ali-oss': {
    purpose: 'ali-oss in a page',
    allowedMethods: ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'],
    allowedHeaders: [
      'authorization',
      'x-oss-*',
      'content-type',
      'content-md5',
      'cache-control',
      'content-disposition',
      'range',
      'if-*',
    ],
    exposeHeaders: ['ETag', 'x-oss-request-id', 'x-oss-version-id', 'Content-Range'],
    maxAgeSeconds: 600,
  },
} as const satisfies Readonly<Record<string, Preset>>

export type PresetName = keyof typeof presets

/** In the order in which they are documented. */
export const presetNames = [
  'public-read',
  'range-read',
  'presigned-upload',
  'uppy-s3',
  'aws-sdk-js-v3',
  'cos-js-sdk-v5',
  'ali-oss',
] as const satisfies readonly PresetName[]

/** Other names of presets. A library name without a version means its current version. */
export const presetAliases = { 'aws-sdk-js': 'aws-sdk-js-v3' } as const satisfies Readonly<
  Record<string, PresetName>
>

/** `undefined` when there is no preset of that name. */
export function presetOf(name: string): Preset | undefined {
  const own = isAlias(name) ? presetAliases[name] : name
  return isPresetName(own) ? presets[own] : undefined
}

const isAlias = (name: string): name is keyof typeof presetAliases => Object.hasOwn(presetAliases, name)

const isPresetName = (name: string): name is PresetName => Object.hasOwn(presets, name)

/** CORS configurations as other products' tools print and read them, with what their authors intended. */

export interface Shape {
  readonly format: string
  readonly about: string
  readonly text: string
  readonly buckets: readonly Expected[]
}

export interface Expected {
  /** Absent when the file names no bucket. */
  readonly bucket?: string
  /** METHOD ORIGIN [requested header ...] */
  readonly allow: readonly string[]
  readonly deny: readonly string[]
  /** Response headers that some rule exposes. */
  readonly exposes?: readonly string[]
  /** Words of each note, in order. */
  readonly notes?: readonly string[]
  /** Codes of the errors; a bucket with one is not converted. */
  readonly errors?: readonly string[]
}

const json = (value: unknown): string => JSON.stringify(value, null, 2)

const gcsRule = {
  origin: ['https://app.example.com'],
  method: ['GET', 'PUT'],
  responseHeader: ['Content-Type', 'x-goog-resumable'],
  maxAgeSeconds: 3600,
}

const gcs: readonly Shape[] = [
  {
    format: 'gcs',
    about: 'gsutil cors get',
    text: json([gcsRule]),
    buckets: [
      {
        allow: ['GET https://app.example.com', 'PUT https://app.example.com content-type x-goog-resumable'],
        deny: ['PUT https://app.example.com authorization', 'GET https://evil.example'],
        exposes: ['Content-Type', 'x-goog-resumable'],
      },
    ],
  },
  {
    format: 'gcs',
    about: 'gcloud storage buckets describe --format="json(name,cors_config)"',
    text: json({ name: 'photos', cors_config: [gcsRule] }),
    buckets: [{ bucket: 'photos', allow: ['PUT https://app.example.com content-type'], deny: [] }],
  },
  {
    format: 'gcs',
    about: 'gcloud storage buckets describe, YAML',
    text: 'cors_config:\n- maxAgeSeconds: 60\n  method:\n  - GET\n  origin:\n  - https://app.example.com\nname: photos\n',
    buckets: [
      { bucket: 'photos', allow: ['GET https://app.example.com'], deny: ['PUT https://app.example.com'] },
    ],
  },
  {
    format: 'gcs',
    about: 'every method and header, OPTIONS and PATCH',
    text: json([
      { origin: ['*'], method: ['*', 'OPTIONS', 'PATCH'], responseHeader: ['*'], maxAgeSeconds: 60 },
    ]),
    buckets: [
      {
        allow: ['DELETE https://any.example authorization', 'HEAD https://any.example'],
        deny: ['PATCH https://any.example'],
        notes: [
          '"*" becomes the methods',
          'OPTIONS is left out',
          'PATCH is left out',
          'a pattern is allowed',
        ],
      },
    ],
  },
  {
    format: 'gcs',
    about: 'the XML of the XML API',
    text: '<CorsConfig><Cors><Origins><Origin>https://a.example</Origin><Origin>https://b.example</Origin></Origins><Methods><Method>GET</Method></Methods><ResponseHeaders><ResponseHeader>x-goog-meta-foo1</ResponseHeader></ResponseHeaders><MaxAgeSec>1800</MaxAgeSec></Cors></CorsConfig>',
    buckets: [
      {
        allow: ['GET https://a.example', 'GET https://b.example x-goog-meta-foo1'],
        deny: ['PUT https://a.example', 'GET https://c.example'],
        exposes: ['x-goog-meta-foo1'],
      },
    ],
  },
  {
    format: 'gcs',
    about: 'an origin with a slash at its end, which would be an error in a rule file too',
    text: json([{ ...gcsRule, origin: ['https://app.example.com/'] }]),
    buckets: [{ allow: [], deny: [], errors: ['origin-has-path'] }],
  },
]

const r2: readonly Shape[] = [
  {
    format: 'r2',
    about: 'the file of wrangler r2 bucket cors set',
    text: json({
      rules: [
        {
          allowed: { origins: ['http://localhost:8787'], methods: ['GET', 'PUT'], headers: ['content-type'] },
          exposeHeaders: ['ETag'],
          maxAgeSeconds: 3600,
        },
      ],
    }),
    buckets: [
      {
        allow: ['PUT http://localhost:8787 content-type'],
        deny: ['PUT http://localhost:8787 authorization', 'DELETE http://localhost:8787'],
        exposes: ['ETag'],
      },
    ],
  },
  {
    format: 'r2',
    about: 'the answer of the API',
    text: json({
      success: true,
      errors: [],
      result: {
        rules: [{ id: 'Allow web', allowed: { origins: ['https://w.example'], methods: ['HEAD'] } }],
      },
    }),
    buckets: [{ allow: ['HEAD https://w.example'], deny: ['GET https://w.example'] }],
  },
  {
    format: 'r2',
    about: 'a bare list',
    text: json([{ allowed: { origins: ['*'], methods: ['GET'], headers: ['range'] }, maxAgeSeconds: 5 }]),
    buckets: [{ allow: ['GET https://any.example range'], deny: ['GET https://any.example if-match'] }],
  },
]

const b2Rule = {
  corsRuleName: 'downloadFromAnyOrigin',
  allowedOrigins: ['https'],
  allowedHeaders: ['range'],
  allowedOperations: ['b2_download_file_by_id', 'b2_download_file_by_name'],
  exposeHeaders: ['x-bz-content-sha1'],
  maxAgeSeconds: 3600,
}

const b2: readonly Shape[] = [
  {
    format: 'b2',
    about: 'native operations; "https" is every origin with that scheme',
    text: json([b2Rule]),
    buckets: [
      {
        allow: ['GET https://any.example range', 'HEAD https://any.example'],
        deny: ['GET http://any.example', 'PUT https://any.example'],
        exposes: ['x-bz-content-sha1'],
      },
    ],
  },
  {
    format: 'b2',
    about: 'b2 bucket get, with operations of the S3 API',
    text: json({
      bucketName: 'b2-photos',
      bucketType: 'allPrivate',
      corsRules: [
        {
          ...b2Rule,
          allowedOrigins: ['https://app.example.com'],
          allowedOperations: ['s3_put', 's3_get', 's3_head'],
        },
      ],
    }),
    buckets: [
      {
        bucket: 'b2-photos',
        allow: ['PUT https://app.example.com', 'GET https://app.example.com range'],
        deny: ['DELETE https://app.example.com'],
      },
    ],
  },
  {
    format: 'b2',
    about: 'uploads, headers that are null, and an operation that does not exist',
    text: json([
      {
        corsRuleName: 'up',
        allowedOrigins: ['https://app.example.com'],
        allowedHeaders: null,
        allowedOperations: ['b2_upload_file', 'b2_list_buckets'],
        exposeHeaders: null,
        maxAgeSeconds: 10,
      },
    ]),
    buckets: [
      {
        allow: ['POST https://app.example.com'],
        deny: ['POST https://app.example.com x-bz-file-name'],
        notes: ['"b2_list_buckets" is left out'],
      },
    ],
  },
]

const snakeRule = {
  allowed_headers: ['*'],
  allowed_methods: ['PUT', 'GET'],
  allowed_origins: ['https://app.example.com'],
  expose_headers: ['ETag'],
  max_age_seconds: 3000,
}
const wanted = {
  allow: ['PUT https://app.example.com content-type'],
  deny: ['DELETE https://app.example.com'],
}

const terraform: readonly Shape[] = [
  {
    format: 'terraform',
    about: 'show -json of a state, with a module and a resource without CORS',
    text: json({
      format_version: '1.0',
      terraform_version: '1.9.0',
      values: {
        root_module: {
          resources: [
            { type: 'aws_s3_bucket', name: 'files', values: { bucket: 'files-1', cors_rule: [] } },
            {
              type: 'aws_s3_bucket_cors_configuration',
              name: 'files',
              values: { bucket: 'files-1', cors_rule: [{ ...snakeRule, id: '' }], expected_bucket_owner: '' },
            },
          ],
          child_modules: [
            {
              address: 'module.cos',
              resources: [
                {
                  type: 'tencentcloud_cos_bucket',
                  name: 'c',
                  values: { bucket: 'web-1250000000', cors_rules: [snakeRule] },
                },
              ],
            },
          ],
        },
      },
    }),
    buckets: [
      { bucket: 'files-1', ...wanted, exposes: ['ETag'] },
      { bucket: 'web-1250000000', ...wanted },
    ],
  },
  {
    format: 'terraform',
    about: 'show -json of a plan: the name of the bucket is not known yet',
    text: json({
      planned_values: {
        root_module: {
          resources: [
            {
              type: 'alicloud_oss_bucket_cors',
              name: 'media',
              values: { cors_rule: [snakeRule], response_vary: true },
            },
          ],
        },
      },
    }),
    buckets: [{ bucket: 'media', ...wanted, notes: ['the file does not name the bucket'] }],
  },
  {
    format: 'terraform',
    about: 'a state file, with buckets of Google and Cloudflare',
    text: json({
      version: 4,
      resources: [
        {
          type: 'google_storage_bucket',
          name: 'g',
          instances: [
            {
              attributes: {
                name: 'g-bucket',
                cors: [
                  {
                    origin: ['https://g.example'],
                    method: ['GET'],
                    response_header: ['ETag'],
                    max_age_seconds: 9,
                  },
                ],
              },
            },
          ],
        },
        {
          type: 'cloudflare_r2_bucket_cors',
          name: 'r',
          instances: [
            {
              attributes: {
                bucket_name: 'r-bucket',
                rules: [
                  { id: 'x', allowed: { origins: ['https://r.example'], methods: ['PUT'], headers: null } },
                ],
              },
            },
          ],
        },
      ],
    }),
    buckets: [
      { bucket: 'g-bucket', allow: ['GET https://g.example etag'], deny: ['PUT https://g.example'] },
      { bucket: 'r-bucket', allow: ['PUT https://r.example'], deny: ['GET https://r.example'] },
    ],
  },
  {
    format: 'terraform',
    about: 'azurerm_storage_account',
    text: json({
      values: {
        root_module: {
          resources: [
            {
              type: 'azurerm_storage_account',
              name: 's',
              values: {
                name: 'account1',
                blob_properties: [
                  {
                    cors_rule: [
                      {
                        allowed_headers: ['*'],
                        allowed_methods: ['GET', 'OPTIONS'],
                        allowed_origins: ['https://z.example'],
                        exposed_headers: ['ETag'],
                        max_age_in_seconds: 200,
                      },
                    ],
                  },
                ],
              },
            },
          ],
        },
      },
    }),
    buckets: [
      {
        bucket: 'account1',
        allow: ['GET https://z.example x-ms-date'],
        deny: ['PUT https://z.example'],
        notes: ['OPTIONS is left out'],
      },
    ],
  },
  {
    format: 'terraform',
    about: 'one block as JSON',
    text: json({ bucket: 'example-files', cors_rule: [snakeRule] }),
    buckets: [{ bucket: 'example-files', ...wanted }],
  },
]

const ansible: readonly Shape[] = [
  {
    format: 'ansible',
    about: 'a play',
    text: `- hosts: localhost
  tasks:
    - name: Rules for the page
      community.aws.s3_cors:
        name: mys3bucket
        state: present
        rules:
          - allowed_origins: ["http://www.example.com"]
            allowed_methods: [GET, POST]
            allowed_headers: [Authorization]
            expose_headers: [x-amz-server-side-encryption]
            max_age_seconds: 30000
`,
    buckets: [
      {
        bucket: 'mys3bucket',
        allow: ['POST http://www.example.com authorization'],
        deny: ['PUT http://www.example.com', 'GET http://www.example.com range'],
      },
    ],
  },
  {
    format: 'ansible',
    about: 'a file of tasks with the short name of the module',
    text: '- s3_cors:\n    name: b1\n    rules:\n      - allowed_origins: ["https://a.example"]\n        allowed_methods: [GET]\n',
    buckets: [{ bucket: 'b1', allow: ['GET https://a.example'], deny: ['PUT https://a.example'] }],
  },
  {
    format: 'ansible',
    about: 'two buckets in a role',
    text: `- amazon.aws.s3_cors: {name: b1, rules: [{allowed_origins: ["https://a.example"], allowed_methods: [GET]}]}
- amazon.aws.s3_cors: {name: b2, rules: [{allowed_origins: ["https://b.example"], allowed_methods: [PUT]}]}
`,
    buckets: [
      { bucket: 'b1', allow: ['GET https://a.example'], deny: ['GET https://b.example'] },
      { bucket: 'b2', allow: ['PUT https://b.example'], deny: ['PUT https://a.example'] },
    ],
  },
]

const cloudformation: readonly Shape[] = [
  {
    format: 'cloudformation',
    about: 'a template with two buckets and short tags',
    text: `AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Domain: {Type: String, Default: example.com}
  Page: {Type: String, Default: "https://page.example"}
Resources:
  Queue: {Type: "AWS::SQS::Queue"}
  Uploads:
    Type: AWS::S3::Bucket
    Properties:
      BucketName: !Sub "uploads.\${Domain}"
      CorsConfiguration:
        CorsRules:
          - Id: web
            AllowedOrigins: [!Sub "https://app.\${Domain}", !Ref Page]
            AllowedMethods: [PUT]
            AllowedHeaders: ["*"]
            ExposedHeaders: [ETag]
            MaxAge: 3000
  Media:
    Type: AWS::S3::Bucket
    Properties:
      CorsConfiguration:
        CorsRules:
          - AllowedOrigins: ["*"]
            AllowedMethods: [GET]
`,
    buckets: [
      {
        bucket: 'uploads.example.com',
        allow: ['PUT https://app.example.com content-type', 'PUT https://page.example'],
        deny: ['PUT https://evil.example'],
        exposes: ['ETag'],
        notes: ['the default of "Domain" is used', 'the default of "Page" is used'],
      },
      {
        bucket: 'Media',
        allow: ['GET https://any.example'],
        deny: ['PUT https://any.example'],
        notes: ['the file does not name the bucket: the rule file is called Media'],
      },
    ],
  },
  {
    format: 'cloudformation',
    about: 'JSON, with a value that only deployment knows',
    text: json({
      Resources: {
        B: {
          Type: 'AWS::S3::Bucket',
          Properties: {
            BucketName: 'b-1',
            CorsConfiguration: {
              CorsRules: [
                { AllowedOrigins: [{ 'Fn::GetAtt': ['Cdn', 'DomainName'] }], AllowedMethods: ['GET'] },
              ],
            },
          },
        },
      },
    }),
    buckets: [{ bucket: 'b-1', allow: [], deny: [], errors: ['computed-value'] }],
  },
  {
    format: 'cloudformation',
    about: 'the property alone',
    text: 'CorsConfiguration:\n  CorsRules:\n    - AllowedOrigins: ["https://a.example"]\n      AllowedMethods: [GET, HEAD]\n      MaxAge: 60\n',
    buckets: [{ allow: ['HEAD https://a.example'], deny: ['PUT https://a.example'] }],
  },
  {
    format: 'serverless',
    about: 'resources of a serverless.yml, joined text',
    text: `service: web
resources:
  Parameters: {}
  Resources:
    Assets:
      Type: AWS::S3::Bucket
      Properties:
        BucketName: assets-1
        CorsConfiguration:
          CorsRules:
            - AllowedOrigins: [!Join ["", ["https://", "assets.example"]]]
              AllowedMethods: [GET]
`,
    buckets: [{ bucket: 'assets-1', allow: ['GET https://assets.example'], deny: ['GET https://a.example'] }],
  },
]

const inCode: readonly Shape[] = [
  {
    format: 'cdk',
    about: 'properties of a CDK bucket',
    text: json({
      bucketName: 'cdk-1',
      cors: [
        {
          allowedMethods: ['GET', 'PUT'],
          allowedOrigins: ['https://a.example'],
          exposedHeaders: ['ETag'],
          maxAge: 30,
        },
      ],
    }),
    buckets: [
      {
        bucket: 'cdk-1',
        allow: ['PUT https://a.example'],
        deny: ['POST https://a.example'],
        exposes: ['ETag'],
      },
    ],
  },
  {
    format: 'cdk',
    about: 'corsRules, as Pulumi and serverless-s3 plug-ins have them',
    text: json({
      bucket: 'p-1',
      corsRules: [{ allowedMethods: ['GET'], allowedOrigins: ['https://a.example'], maxAgeSeconds: 30 }],
    }),
    buckets: [{ bucket: 'p-1', allow: ['GET https://a.example'], deny: ['PUT https://a.example'] }],
  },
  {
    format: 'cdk',
    about: 'SST, with a duration in words',
    text: json({
      cors: {
        allowHeaders: ['*'],
        allowMethods: ['PUT'],
        allowOrigins: ['https://a.example'],
        maxAge: '2 hours',
      },
    }),
    buckets: [{ allow: ['PUT https://a.example content-type'], deny: ['GET https://a.example'] }],
  },
  {
    format: 'cdk',
    about: 'a bare list with exposedHeaders',
    text: json([
      { allowedMethods: ['GET'], allowedOrigins: ['https://a.example'], exposedHeaders: ['ETag'] },
    ]),
    buckets: [{ allow: ['GET https://a.example'], deny: ['PUT https://a.example'] }],
  },
]

const pulumi: readonly Shape[] = [
  {
    format: 'pulumi',
    about: 'Pulumi.yaml',
    text: `name: web
runtime: yaml
resources:
  uploads:
    type: aws:s3:Bucket
    properties:
      bucket: uploads-1
      corsRules:
        - allowedOrigins: ["https://a.example"]
          allowedMethods: [PUT]
          allowedHeaders: ["*"]
          maxAgeSeconds: 60
`,
    buckets: [
      { bucket: 'uploads-1', allow: ['PUT https://a.example content-type'], deny: ['GET https://a.example'] },
    ],
  },
  {
    format: 'pulumi',
    about: 'stack export',
    text: json({
      version: 3,
      deployment: {
        resources: [
          { urn: 'urn:pulumi:dev::web::pulumi:pulumi:Stack::web', type: 'pulumi:pulumi:Stack' },
          {
            urn: 'urn:pulumi:dev::web::aws:s3/bucket:Bucket::media',
            type: 'aws:s3/bucket:Bucket',
            outputs: {
              bucket: 'media-7',
              corsRules: [{ allowedOrigins: ['https://a.example'], allowedMethods: ['GET'] }],
            },
          },
        ],
      },
    }),
    buckets: [{ bucket: 'media-7', allow: ['GET https://a.example'], deny: ['PUT https://a.example'] }],
  },
  {
    format: 'pulumi',
    about: 'a bucket that gets its name from Pulumi',
    text: 'resources:\n  media:\n    type: aws:s3:Bucket\n    properties:\n      corsRules:\n        - {allowedOrigins: ["https://a.example"], allowedMethods: [GET]}\n',
    buckets: [
      {
        bucket: 'media',
        allow: ['GET https://a.example'],
        deny: ['PUT https://a.example'],
        notes: ['the rule file is called media'],
      },
    ],
  },
]

const serverless: readonly Shape[] = [
  {
    format: 'serverless',
    about: 'provider.s3',
    text: `service: web
provider:
  name: aws
  s3:
    bucketOne:
      name: my-custom-bucket-name
      corsConfiguration:
        CorsRules:
          - AllowedHeaders: ["*"]
            AllowedMethods: [GET]
            AllowedOrigins: ["https://a.example"]
            MaxAge: 60
`,
    buckets: [
      {
        bucket: 'my-custom-bucket-name',
        allow: ['GET https://a.example range'],
        deny: ['PUT https://a.example'],
      },
    ],
  },
  {
    format: 'serverless',
    about: 'provider.s3 with two buckets, one of which gets its name from the stage',
    text: `provider:
  s3:
    uploads:
      name: uploads-dev
      corsConfiguration:
        CorsRules:
          - {AllowedMethods: [PUT], AllowedOrigins: ["https://a.example"], AllowedHeaders: [content-type]}
    media:
      corsConfiguration:
        CorsRules:
          - {AllowedMethods: [GET], AllowedOrigins: ["*"]}
`,
    buckets: [
      {
        bucket: 'uploads-dev',
        allow: ['PUT https://a.example content-type'],
        deny: ['PUT https://a.example range'],
      },
      {
        bucket: 'media',
        allow: ['GET https://b.example'],
        deny: ['PUT https://b.example'],
        notes: ['the rule file is called media'],
      },
    ],
  },
  {
    format: 'serverless',
    about: 'the resolved configuration as JSON',
    text: json({
      provider: {
        name: 'aws',
        s3: {
          b: {
            name: 'b-1',
            corsConfiguration: {
              CorsRules: [
                {
                  AllowedMethods: ['GET'],
                  AllowedOrigins: ['https://a.example'],
                  ExposedHeaders: ['ETag'],
                  MaxAge: 5,
                },
              ],
            },
          },
        },
      },
    }),
    buckets: [
      { bucket: 'b-1', allow: ['GET https://a.example'], deny: ['PUT https://a.example'], exposes: ['ETag'] },
    ],
  },
]

const azure: readonly Shape[] = [
  {
    format: 'azure',
    about: 'az storage cors list',
    text: json([
      {
        AllowedHeaders: 'x-ms-meta-*,content-type',
        AllowedMethods: 'DELETE, GET, MERGE, OPTIONS, PUT',
        AllowedOrigins: 'https://a.example, https://b.example',
        ExposedHeaders: '*',
        MaxAgeInSeconds: 200,
        Service: 'blob',
      },
      {
        AllowedHeaders: '*',
        AllowedMethods: 'GET',
        AllowedOrigins: '*',
        ExposedHeaders: '',
        MaxAgeInSeconds: 1,
        Service: 'queue',
      },
    ]),
    buckets: [
      {
        allow: ['PUT https://b.example content-type x-ms-meta-one'],
        deny: ['PUT https://b.example authorization', 'GET https://c.example'],
        notes: [
          'the rule of the queue service is left out',
          'MERGE is left out',
          'OPTIONS is left out',
          'a pattern cannot be exposed',
        ],
      },
    ],
  },
  {
    format: 'azure',
    about: 'the resource manager',
    text: json({
      properties: {
        cors: {
          corsRules: [
            {
              allowedOrigins: ['https://a.example'],
              allowedMethods: ['GET'],
              maxAgeInSeconds: 5,
              exposedHeaders: ['ETag'],
              allowedHeaders: ['x-ms-meta-abc'],
            },
          ],
        },
      },
    }),
    buckets: [{ allow: ['GET https://a.example x-ms-meta-abc'], deny: ['PUT https://a.example'] }],
  },
  {
    format: 'azure',
    about: 'the XML of the service properties',
    text: '<StorageServiceProperties><Cors><CorsRule><AllowedOrigins>https://a.example,https://b.example</AllowedOrigins><AllowedMethods>GET,PUT</AllowedMethods><MaxAgeInSeconds>500</MaxAgeInSeconds><ExposedHeaders>x-ms-meta-data</ExposedHeaders><AllowedHeaders>x-ms-meta-target</AllowedHeaders></CorsRule></Cors></StorageServiceProperties>',
    buckets: [{ allow: ['PUT https://b.example x-ms-meta-target'], deny: ['PUT https://b.example x-other'] }],
  },
]

const awsRule = (bucket: string, origin: string): object => ({
  bucket,
  cors_rule: [{ allowed_methods: ['GET'], allowed_origins: [origin], max_age_seconds: 0 }],
})

/** What people have beside the shapes that the vendors document: lists of buckets, copies, names that are computed. */
const more: readonly Shape[] = [
  {
    format: 'gcs',
    about: 'one rule that is not in a list',
    text: json(gcsRule),
    buckets: [{ allow: ['PUT https://app.example.com content-type'], deny: ['GET https://evil.example'] }],
  },
  {
    format: 'gcs',
    about: 'gcloud storage buckets list --format=json, one of them without CORS',
    text: json([
      { name: 'a-photos', cors_config: [gcsRule] },
      { name: 'none' },
      { name: 'b-photos', cors_config: [{ origin: ['https://b.example'], method: ['GET'] }] },
    ]),
    buckets: [
      { bucket: 'a-photos', allow: ['PUT https://app.example.com'], deny: ['GET https://b.example'] },
      { bucket: 'b-photos', allow: ['GET https://b.example'], deny: ['GET https://app.example.com'] },
    ],
  },
  {
    format: 'gcs',
    about: 'the JSON API, with a list of buckets',
    text: json({ kind: 'storage#buckets', items: [{ name: 'g', cors: [gcsRule] }] }),
    buckets: [{ bucket: 'g', allow: ['GET https://app.example.com'], deny: ['GET https://evil.example'] }],
  },
  {
    format: 'gcs',
    about: '"https" as an origin, which is every page at Backblaze only',
    text: json([{ origin: ['https', 'https://a.example'], method: ['GET'] }]),
    buckets: [{ allow: ['GET https://a.example'], deny: ['GET https://any.example'] }],
  },
  {
    format: 'r2',
    about: 'the text that wrangler r2 bucket cors list prints',
    text: `
 wrangler 4.51.0
────────────────────
Listing CORS rules for bucket 'r2-photos'...
allowed_origins:  https://a.example, https://b.example
allowed_methods:  GET, PUT
allowed_headers:  content-type
exposed_headers:  ETag
max_age_seconds:  3600

allowed_origins:  https://c.example
allowed_methods:  GET
allowed_headers:  (no headers)
exposed_headers:  (no exposed headers)
max_age_seconds:  (0 seconds)
`,
    buckets: [
      {
        bucket: 'r2-photos',
        allow: ['PUT https://b.example content-type', 'GET https://c.example'],
        deny: ['PUT https://c.example', 'GET https://c.example content-type'],
        exposes: ['ETag'],
      },
    ],
  },
  {
    format: 'b2',
    about: 'b2 bucket list --json',
    text: json([
      { bucketName: 'one-b', corsRules: [{ ...b2Rule, allowedOrigins: ['https://a.example'] }] },
      { bucketName: 'two-b', corsRules: [] },
    ]),
    buckets: [{ bucket: 'one-b', allow: ['GET https://a.example range'], deny: ['GET https://b.example'] }],
  },
  {
    format: 'b2',
    about: 'the answer of b2_list_buckets',
    text: json({ buckets: [{ bucketName: 'one-b', corsRules: [b2Rule] }] }),
    buckets: [{ bucket: 'one-b', allow: ['GET https://a.example'], deny: ['GET http://a.example'] }],
  },
  {
    format: 'terraform',
    about: 'a state in which the bucket repeats the rules of its own resource, as AWS states do',
    text: json({
      values: {
        root_module: {
          resources: [
            { type: 'aws_s3_bucket', name: 'a', values: awsRule('files', 'https://a.example') },
            {
              type: 'aws_s3_bucket_cors_configuration',
              name: 'a',
              values: {
                bucket: 'files',
                cors_rule: [
                  {
                    allowed_headers: null,
                    allowed_methods: ['GET'],
                    allowed_origins: ['https://a.example'],
                    id: '',
                  },
                ],
              },
            },
          ],
        },
      },
    }),
    buckets: [{ bucket: 'files', allow: ['GET https://a.example'], deny: ['PUT https://a.example'] }],
  },
  {
    format: 'terraform',
    about: 'a bucket whose copy of the rules is an older one',
    text: json({
      values: {
        root_module: {
          resources: [
            {
              type: 'aws_s3_bucket_cors_configuration',
              name: 'a',
              values: awsRule('files', 'https://new.example'),
            },
            { type: 'aws_s3_bucket', name: 'a', values: awsRule('files', 'https://old.example') },
          ],
        },
      },
    }),
    buckets: [
      {
        bucket: 'files',
        allow: ['GET https://new.example'],
        deny: ['GET https://old.example'],
        notes: ['max_age_seconds 0 is left out', 'these rules are left out'],
      },
    ],
  },
  {
    format: 'terraform',
    about: 'a plan that knows the bucket by a reference, in a module, and blocks with for_each',
    text: json({
      planned_values: {
        root_module: {
          child_modules: [
            {
              address: 'module.web["eu"]',
              resources: [
                {
                  address: 'module.web["eu"].aws_s3_bucket.site',
                  type: 'aws_s3_bucket',
                  name: 'site',
                  values: { bucket: 'site-eu' },
                },
                {
                  address: 'module.web["eu"].aws_s3_bucket_cors_configuration.site',
                  type: 'aws_s3_bucket_cors_configuration',
                  name: 'site',
                  values: { cors_rule: [snakeRule] },
                },
                ...['x', 'y'].map((index) => ({
                  address: `module.web["eu"].aws_s3_bucket_cors_configuration.many["${index}"]`,
                  type: 'aws_s3_bucket_cors_configuration',
                  name: 'many',
                  index,
                  values: { cors_rule: [snakeRule] },
                })),
              ],
            },
          ],
        },
      },
      configuration: {
        root_module: {
          module_calls: {
            web: {
              module: {
                resources: [
                  {
                    type: 'aws_s3_bucket_cors_configuration',
                    name: 'site',
                    expressions: { bucket: { references: ['aws_s3_bucket.site.id', 'aws_s3_bucket.site'] } },
                  },
                ],
              },
            },
          },
        },
      },
    }),
    buckets: [
      { bucket: 'site-eu', ...wanted },
      {
        bucket: 'many-x',
        ...wanted,
        notes: ['the file does not name the bucket: the rule file is called many-x'],
      },
      { bucket: 'many-y', ...wanted, notes: ['the rule file is called many-y'] },
    ],
  },
  {
    format: 'terraform',
    about: 'configuration in JSON, as CDK for Terraform writes it',
    text: json({
      resource: {
        aws_s3_bucket: { files: { bucket: 'files-7' } },
        aws_s3_bucket_cors_configuration: {
          // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference of Terraform
          files: { bucket: '${aws_s3_bucket.files.id}', cors_rule: snakeRule },
        },
      },
    }),
    buckets: [{ bucket: 'files-7', ...wanted }],
  },
  {
    format: 'terraform',
    about: 'lists of the same names in resources that are no buckets',
    text: json({
      values: {
        root_module: {
          resources: [
            { type: 'aws_lambda_function_url', name: 'u', values: { cors: [{ allow_origins: ['*'] }] } },
            { type: 'azurerm_signalr_service', name: 's', values: { cors: [{ allowed_origins: ['*'] }] } },
            { type: 'minio_s3_bucket_cors', name: 'm', values: awsRule('m-1', 'https://m.example') },
          ],
        },
      },
    }),
    buckets: [
      {
        bucket: 'm-1',
        allow: ['GET https://m.example'],
        deny: ['PUT https://m.example'],
        notes: ['max_age_seconds 0 is left out'],
      },
    ],
  },
  {
    format: 'ansible',
    about: 'the former name of the module, a name and rules that are variables',
    text: '- aws_s3_cors:\n    name: "{{ bucket }}"\n    rules:\n      - allowed_origins: ["https://a.example"]\n        allowed_methods: [GET]\n- aws_s3_cors: {name: b2, rules: "{{ rules }}"}\n- aws_s3_cors: {name: b3, state: absent}\n',
    buckets: [
      {
        bucket: 'bucket-1',
        allow: ['GET https://a.example'],
        deny: [],
        notes: ['the name of the bucket is computed, "{{ bucket }}": the rule file is called bucket-1'],
      },
      { bucket: 'b2', allow: [], deny: [], errors: ['computed-value'] },
    ],
  },
  {
    format: 'cloudformation',
    about: 'AWS::NoValue, a whole list that is computed, and a parameter whose default is a name in SSM',
    text: `Parameters:
  Stored: {Type: "AWS::SSM::Parameter::Value<String>", Default: /app/bucket}
Resources:
  One:
    Type: AWS::S3::Bucket
    Properties:
      BucketName: !Ref Stored
      CorsConfiguration:
        CorsRules:
          - AllowedOrigins: ["https://a.example", !Ref AWS::NoValue]
            AllowedMethods: [GET]
            AllowedHeaders: !Ref AWS::NoValue
  Two:
    Type: AWS::S3::Bucket
    Properties:
      BucketName: two-b
      CorsConfiguration:
        CorsRules:
          - AllowedOrigins: ["https://a.example"]
            AllowedMethods: !If [IsProd, [GET], [PUT]]
  Three:
    Type: AWS::S3::Bucket
    Properties:
      BucketName: three-b
      CorsConfiguration:
        CorsRules: !If [IsProd, [], []]
`,
    buckets: [
      {
        bucket: 'One',
        allow: ['GET https://a.example'],
        deny: ['GET https://a.example range'],
        notes: ['the name of the bucket is computed by the template: the rule file is called One'],
      },
      { bucket: 'two-b', allow: [], deny: [], errors: ['computed-value'] },
      { bucket: 'three-b', allow: [], deny: [], errors: ['computed-value'] },
    ],
  },
  {
    format: 'serverless',
    about: 'provider.s3 and a list of resources together, with variables of the file',
    text: `service: notes
custom:
  stage: \${opt:stage, 'dev'}
  bucket: \${self:service}-\${self:custom.stage}-files
provider:
  name: aws
  s3:
    uploads:
      name: \${self:service}-uploads
      corsConfiguration:
        CorsRules:
          - {AllowedOrigins: ["https://a.example"], AllowedMethods: [PUT]}
resources:
  - Resources:
      Files:
        Type: AWS::S3::Bucket
        Properties:
          BucketName: \${self:custom.bucket}
          CorsConfiguration:
            CorsRules:
              - {AllowedOrigins: ["https://b.example"], AllowedMethods: [GET]}
      Other:
        Type: AWS::S3::Bucket
        Properties:
          BucketName: \${env:BUCKET}
          CorsConfiguration:
            CorsRules:
              - {AllowedOrigins: ["https://c.example"], AllowedMethods: [GET]}
  - \${file(resources/other.yml)}
`,
    buckets: [
      { bucket: 'notes-uploads', allow: ['PUT https://a.example'], deny: ['GET https://a.example'] },
      {
        bucket: 'notes-dev-files',
        allow: ['GET https://b.example'],
        deny: ['PUT https://b.example'],
        notes: ['the default of "opt:stage" is used'],
      },
      {
        bucket: 'Other',
        allow: ['GET https://c.example'],
        deny: ['PUT https://c.example'],
        // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of serverless
        notes: ['the name of the bucket is computed, "${env:BUCKET}": the rule file is called Other'],
      },
    ],
  },
  {
    format: 'pulumi',
    about: 'Pulumi.yaml with rules in a resource of their own, and buckets of Google and Cloudflare',
    text: `name: web
runtime: yaml
resources:
  files:
    type: aws:s3:BucketV2
    properties: {bucket: files-1}
  rules:
    type: aws:s3:BucketCorsConfigurationV2
    properties:
      bucket: \${files.id}
      corsRules:
        - {allowedMethods: [PUT], allowedOrigins: ["https://a.example"]}
  g:
    type: gcp:storage:Bucket
    properties:
      name: g-1
      cors: [{origins: ["https://g.example"], methods: [GET], responseHeaders: [ETag], maxAgeSeconds: 60}]
  r:
    type: cloudflare:R2BucketCors
    properties:
      bucketName: r-1
      rules: [{allowed: {methods: [GET], origins: ["https://r.example"]}}]
`,
    buckets: [
      { bucket: 'files-1', allow: ['PUT https://a.example'], deny: ['GET https://a.example'] },
      { bucket: 'g-1', allow: ['GET https://g.example etag'], deny: ['PUT https://g.example'] },
      { bucket: 'r-1', allow: ['GET https://r.example'], deny: ['PUT https://r.example'] },
    ],
  },
  {
    format: 'azure',
    about: 'a template of the resource manager',
    text: json({
      contentVersion: '1.0.0.0',
      resources: [
        {
          type: 'Microsoft.Storage/storageAccounts/queueServices',
          name: 'acc/default',
          properties: { cors: { corsRules: [{ allowedOrigins: ['*'], maxAgeInSeconds: 1 }] } },
        },
        {
          type: 'Microsoft.Storage/storageAccounts/blobServices',
          name: 'acc/default',
          properties: {
            cors: {
              corsRules: [
                { allowedOrigins: ['https://a.example'], allowedMethods: ['GET'], maxAgeInSeconds: 5 },
              ],
            },
          },
        },
      ],
    }),
    buckets: [
      {
        bucket: 'acc',
        allow: ['GET https://a.example'],
        deny: ['GET https://b.example'],
        notes: ['the file does not name the bucket: the rule file is called acc'],
      },
    ],
  },
  {
    format: 'cdk',
    about: 'credentials, which a rule of the S3 family does not say',
    text: json({
      cors: { allowOrigins: ['https://a.example'], allowMethods: ['GET'], allowCredentials: true },
    }),
    buckets: [
      {
        allow: ['GET https://a.example'],
        deny: ['PUT https://a.example'],
        notes: ['allowCredentials is left out: in the dialects cos and s3'],
      },
    ],
  },
]

export const shapes: readonly Shape[] = [
  ...gcs,
  ...r2,
  ...b2,
  ...terraform,
  ...ansible,
  ...cloudformation,
  ...inCode,
  ...pulumi,
  ...serverless,
  ...azure,
  ...more,
]

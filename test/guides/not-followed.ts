/**
 * The blocks that `npm run test:guides` does not follow, each by words that no other block of its document has. Blocks
 * that are marked `cluster` are followed by `npm run test:kubernetes`.
 * `test/guides/every-block.test.ts` fails for a block that is neither followed nor listed here.
 */
export type NotFollowed =
  | { readonly block: string; readonly testedBy: string }
  | { readonly block: string; readonly notRun: string }

const readmes = 'test/deploy/readme-blocks.test.ts'
const deployReadme = 'test/deploy/readme.test.ts'
const excerpt = 'an excerpt to read'

export const notFollowed: Readonly<Record<string, readonly NotFollowed[]>> = {
  'README.md': [
    { block: 'npm run demo', testedBy: readmes },
    { block: 'npm install --global', testedBy: readmes },
    { block: '# rules/photos.yaml', testedBy: readmes },
    { block: 'serve --upstream', testedBy: readmes },
    { block: 'denied: origin', testedBy: 'test/cmd/explain-copy.test.ts' },
    { block: 'doctor --explain', testedBy: readmes },
  ],
  'rules/README.md': [{ block: 'yaml-language-server', testedBy: readmes }],
  'deploy/README.md': [
    { block: 'docker build', testedBy: deployReadme },
    { block: 'not listed', testedBy: deployReadme },
    { block: 'helm upgrade', testedBy: deployReadme },
    { block: 'shards.sh', testedBy: deployReadme },
    { block: 'docker compose', testedBy: readmes },
  ],
  'deploy/guides/kubernetes.md': [
    { block: 'kind: HTTPRoute', testedBy: 'test/deploy/kubernetes-guide.test.ts' },
    { block: '--rules rules', notRun: 'needs an ingress controller, a host name and a certificate' },
  ],
  'deploy/guides/minio-laptop.md': [{ block: 'docker compose', testedBy: 'test/deploy/laptop.test.ts' }],
  'deploy/guides/moving.md': [{ block: '"msg":"request"', notRun: excerpt }],
  'deploy/guides/private-network.md': [{ block: 'local` address space', notRun: 'the message of a browser' }],
  'deploy/guides/systemd.md': [
    { block: 'npm prune', notRun: 'installs into /opt; npm run test:image builds and starts the same files' },
    { block: '[Unit]', testedBy: 'test/deploy/systemd.test.ts' },
    {
      block: 'systemctl enable',
      notRun: 'needs systemd as the init process, and starts a service of the machine',
    },
  ],
  'deploy/guides/vite.md': [{ block: 'export default', testedBy: 'test/deploy/vite-proxy.test.ts' }],
}

import { exposedHeaders, maxAgeSeconds, methods, origins, requestedHeaders } from '../rule-sets.ts'

export interface NginxFiles {
  /** Folder for its process id, temporary files and log. */
  readonly folder: string
  readonly port: number
}

/**
 * A store that serves the files of `objects` with sendfile. Uploads are read completely and discarded by proxying
 * to itself: writing them to one file over and over would measure the disk. One worker.
 */
export function nginxStore({ folder, port, objects }: NginxFiles & { readonly objects: string }): string {
  return around(
    folder,
    `upstream itself { server 127.0.0.1:${port}; keepalive 512; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port};
    root ${objects};
    location = /discard { return 200; }
    location / {
      if ($request_method = PUT) { rewrite ^ /put last; }
    }
    location = /put {
      internal;
      proxy_pass http://itself/discard;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
  }`,
  )
}

export interface NginxProxy extends NginxFiles {
  readonly upstreamPort: number
  readonly tls?: { readonly port: number; readonly cert: string; readonly key: string }
  /** Where its access log goes, buffered, because that is cheaper than a write for each request. */
  readonly log?: string
}

/** A proxy that streams, and answers preflights from a map of the origins. One worker. */
export function nginxProxy({ folder, port, upstreamPort, tls, log }: NginxProxy): string {
  const secure =
    tls === undefined
      ? ''
      : `listen 127.0.0.1:${tls.port} ssl; ssl_protocols TLSv1.2 TLSv1.3; ssl_certificate ${tls.cert}; ssl_certificate_key ${tls.key};`
  return around(
    folder,
    `map_hash_bucket_size 128;
  map $http_origin $cors { default ""; ${origins.map((origin) => `"${origin}" $http_origin;`).join(' ')} }
  map $cors $credentials { default true; "" ""; }
  upstream store { server 127.0.0.1:${upstreamPort}; keepalive 128; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port}; ${secure}
    location / {
      if ($request_method = OPTIONS) {
        add_header Access-Control-Allow-Origin $cors;
        add_header Access-Control-Allow-Credentials $credentials;
        add_header Access-Control-Allow-Methods "${methods.join(',')}";
        add_header Access-Control-Allow-Headers "${requestedHeaders}";
        add_header Access-Control-Max-Age ${maxAgeSeconds};
        add_header Vary Origin;
        return 200;
      }
      add_header Access-Control-Allow-Origin $cors;
      add_header Access-Control-Allow-Credentials $credentials;
      add_header Access-Control-Expose-Headers "${exposedHeaders.join(',')}";
      add_header Vary Origin;
      proxy_pass http://store;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_buffering off;
      proxy_request_buffering off;
    }
  }`,
    log === undefined ? 'off' : `${log} combined buffer=64k flush=1s`,
  )
}

const around = (folder: string, http: string, log = 'off'): string => `daemon off;
worker_processes 1;
${process.getuid?.() === 0 ? 'user root;' : ''}
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events { worker_connections 4096; }
http {
  access_log ${log};
  sendfile on;
  default_type application/octet-stream;
  keepalive_requests 1000000000;
  client_max_body_size 0;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  ${http}
}
`

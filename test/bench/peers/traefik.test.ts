import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { origins } from '../rule-sets.ts'
import { traefikProxy, traefikRoutes } from './traefik.ts'

test('its routes are YAML that names every origin', () => {
  const routes = parse(traefikRoutes(8080))
  expect(routes.http.middlewares.cors.headers.accessControlAllowOriginList).toEqual(origins)
  expect(routes.http.routers.pages.rule).toBe('PathPrefix(`/`)')
  expect(routes.http.services.store.loadBalancer.servers).toEqual([{ url: 'http://127.0.0.1:8080' }])
})

test('it writes an access log only where one is asked for', () => {
  const files = { port: 8081, routes: '/tmp/routes.yml' }
  expect(parse(traefikProxy({ ...files, log: '/tmp/log' })).accessLog).toMatchObject({ filePath: '/tmp/log' })
  expect(parse(traefikProxy({ ...files, log: undefined }))).not.toHaveProperty('accessLog')
})

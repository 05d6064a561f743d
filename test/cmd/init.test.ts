import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { addCheck } from '../../cmd/check.ts'
import { addInit } from '../../cmd/init.ts'
import { presetNames } from '../../src/cors/presets.ts'
import { folderWith, runCommand } from './rule-commands.ts'

describe('init', () => {
  test.each([...presetNames, 'aws-sdk-js'])('writes a file with %s that check accepts', async (client) => {
    const cwd = folderWith({})
    const argv = [
      'init',
      'photos',
      '--origin',
      'https://app.example.com',
      'https://*.example.org',
      '--client',
      client,
    ]
    const { code, out, err } = await runCommand(addInit, argv, { cwd })
    expect({ code, out }).toEqual({ code: 0, out: 'rules/photos.yaml\n' })
    expect(err).toContain('check ./rules')
    expect(await runCommand(addCheck, ['check', '--strict', 'rules'], { cwd })).toMatchObject({
      code: 0,
      out: '',
    })
    const text = readFileSync(join(cwd, 'rules/photos.yaml'), 'utf8')
    expect(text).toMatch(/^# yaml-language-server: \$schema=/)
    expect(text).toContain(`preset: ${client === 'aws-sdk-js' ? 'aws-sdk-js-v3' : client}\n`)
    expect(text).toContain('expect: deny')
  })

  test.each([
    'photos.yaml',
    'photos.yml',
    'photos.json',
    'photos.xml',
  ])('leaves %s as it is', async (name) => {
    const cwd = folderWith({ [`rules/${name}`]: 'rules: []\n' })
    const { code, err } = await runCommand(addInit, ['init', 'photos', '--origin', 'https://a.example'], {
      cwd,
    })
    expect(code).toBe(2)
    expect(err).toBe(`error: bucket photos has a rule file already: edit rules/${name}\n`)
    expect(readdirSync(join(cwd, 'rules'))).toEqual([name])
  })

  test('a rule for every origin has no test that an origin is refused', async () => {
    const cwd = folderWith({})
    const argv = ['init', 'assets', '--origin', '*', '--client', 'public-read']
    expect(await runCommand(addInit, argv, { cwd })).toMatchObject({ code: 0, out: 'rules/assets.yaml\n' })
    expect(readFileSync(join(cwd, 'rules/assets.yaml'), 'utf8')).not.toContain('expect: deny')
  })

  test.each([
    [['init', 'photos', '--origin', 'https://a.example/'], 1, 'origin-has-path'],
    [['init', 'photos', '--origin', '*', '--client', 'uppy-s3'], 1, 'write-methods-for-any-origin'],
    [['init', 'My Bucket', '--origin', 'https://a.example'], 2, '"My Bucket" is not a valid bucket name'],
    [['init', 'photos'], 2, "required option '--origin <ORIGIN...>' not specified"],
    [['init', 'photos', '--origin', 'https://a.example', '--client', 'aws'], 2, 'Allowed choices are'],
  ])('%j writes nothing', async (argv, exit, message) => {
    const cwd = folderWith({})
    const { code, out, err } = await runCommand(addInit, argv, { cwd })
    expect({ code, out }).toEqual({ code: exit, out: '' })
    expect(err).toContain(message)
    expect(existsSync(join(cwd, 'rules'))).toBe(false)
  })
})

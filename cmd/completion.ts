import { Argument, type Command, type Option } from 'commander'
import type { Terminal } from './terminal.ts'

const notes = `
Examples:
  cors-sidecar completion bash > /etc/bash_completion.d/cors-sidecar
  cors-sidecar completion zsh > "\${fpath[1]}/_cors-sidecar"
  cors-sidecar completion fish > ~/.config/fish/completions/cors-sidecar.fish
`

const shells = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof shells)[number]

export function addCompletion(program: Command, terminal: Terminal): void {
  program
    .command('completion')
    .description('print the completion script for a shell')
    .addArgument(new Argument('<SHELL>', 'the shell').choices(shells))
    .addHelpText('after', notes)
    .action((shell: Shell) => {
      terminal.out(scripts[shell](modelOf(program)))
      terminal.setExitCode(0)
    })
}

type Values =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'file' | 'folder' | 'text' | 'none' }

interface OptionModel {
  readonly names: readonly string[]
  readonly help: string
  readonly values: Values
}

interface CommandModel {
  readonly name: string
  readonly help: string
  readonly options: readonly OptionModel[]
  readonly values: Values
}

/** Reads commander's own model, so that new options are completed without a change here. */
function modelOf(program: Command): readonly CommandModel[] {
  const commands = program.createHelp().visibleCommands(program)
  const names = commands.map((command) => command.name())
  return commands.map((command) => ({
    name: command.name(),
    help: command.description(),
    options: command
      .createHelp()
      .visibleOptions(command)
      .map((option) => optionModel(option)),
    values: command.name() === 'help' ? { kind: 'words', words: names } : argumentValues(command),
  }))
}

function optionModel(option: Option): OptionModel {
  const names = [option.short, option.long].filter((name) => name !== undefined)
  return { names, help: option.description.replace(/\s+/g, ' '), values: optionValues(option) }
}

function optionValues({ argChoices, flags, required, optional }: Option): Values {
  if (!required && !optional) return { kind: 'none' }
  if (argChoices !== undefined) return { kind: 'words', words: argChoices }
  const placeholder = /[<[]([^>\]]*)/.exec(flags)?.[1] ?? ''
  if (placeholder.includes('|')) return { kind: 'words', words: placeholder.split('|') }
  return placeholder === 'DIR' ? { kind: 'folder' } : { kind: placeholder === 'FILE' ? 'file' : 'text' }
}

function argumentValues(command: Command): Values {
  const argument = command.registeredArguments[0]
  if (argument === undefined) return { kind: 'none' }
  if (argument.argChoices !== undefined) return { kind: 'words', words: argument.argChoices }
  return /PATH|FILE|LOG/.test(argument.name()) ? { kind: 'file' } : { kind: 'text' }
}

const scripts: Readonly<Record<Shell, (commands: readonly CommandModel[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
}

const namesOf = (options: readonly OptionModel[]): string => options.flatMap(({ names }) => names).join(' ')

function bashScript(commands: readonly CommandModel[]): string {
  const generate: Readonly<Record<Values['kind'], string>> = {
    words: '-W',
    file: '-f',
    folder: '-d',
    text: '-W ""',
    none: '',
  }
  const reply = (values: Values): string =>
    `COMPREPLY=($(compgen ${values.kind === 'words' ? `-W "${values.words.join(' ')}"` : generate[values.kind]} -- "$cur"))`
  const valueCases = commands.flatMap(({ name, options }) =>
    options
      .filter(({ values }) => values.kind !== 'none')
      .map(
        ({ names, values }) =>
          `    ${names.map((option) => `"${name} ${option}"`).join('|')}) ${reply(values)}; return ;;`,
      ),
  )
  const commandCases = commands.map(({ name, options, values }) => {
    const rest = values.kind === 'none' || values.kind === 'text' ? ':' : reply(values)
    return `    ${name}) if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "${namesOf(options)}" -- "$cur")); else ${rest}; fi ;;`
  })
  const names = commands.map(({ name }) => name)
  return `# bash completion of cors-sidecar
_cors_sidecar() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command=\${COMP_WORDS[1]}
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W "${names.join(' ')} -h --help -V --version" -- "$cur"))
    return
  fi
  case "$command $prev" in
${valueCases.join('\n')}
  esac
  case $command in
${commandCases.join('\n')}
  esac
}
complete -F _cors_sidecar cors-sidecar
`
}

function zshScript(commands: readonly CommandModel[]): string {
  const text = (help: string): string => help.replace(/[[\]:\\]/g, '\\$&').replaceAll("'", "'\\''")
  const action = (values: Values): string => {
    switch (values.kind) {
      case 'words':
        return `(${values.words.join(' ')})`
      case 'file':
        return '_files'
      case 'folder':
        return '_files -/'
      default:
        return ' '
    }
  }
  const specs = (options: readonly OptionModel[]): string[] =>
    options.flatMap(({ names, help, values }) =>
      names.map(
        (name) => `'*${name}[${text(help)}]${values.kind === 'none' ? '' : `:value:${action(values)}`}'`,
      ),
    )
  const cases = commands.map(({ name, options, values }) => {
    const rest = values.kind === 'none' ? [] : [`'*:argument:${action(values)}'`]
    return `    ${name}) _arguments ${[...specs(options), ...rest].join(' ')} ;;`
  })
  const names = commands.map(({ name, help }) => `'${name}:${text(help)}'`)
  return `#compdef cors-sidecar
_cors_sidecar() {
  if ((CURRENT == 2)); then
    local -a commands=(${names.join(' ')})
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT--))
  case $command in
${cases.join('\n')}
  esac
}
if [[ $funcstack[1] == _cors-sidecar ]]; then _cors_sidecar "$@"; else compdef _cors_sidecar cors-sidecar; fi
`
}

function fishScript(commands: readonly CommandModel[]): string {
  const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
  const value = (values: Values): string => {
    if (values.kind === 'words') return ` -x -a ${quoted(values.words.join(' '))}`
    if (values.kind === 'folder') return ' -x -a "(__fish_complete_directories)"'
    if (values.kind === 'file') return ' -r -F'
    return values.kind === 'text' ? ' -x' : ''
  }
  const lines = commands.flatMap(({ name, help, options, values }) => {
    const within = ` -n "__fish_seen_subcommand_from ${name}"`
    return [
      `complete -c cors-sidecar -n __fish_use_subcommand -a ${name} -d ${quoted(help)}`,
      ...(values.kind === 'words'
        ? [`complete -c cors-sidecar${within} -a ${quoted(values.words.join(' '))}`]
        : []),
      ...(values.kind === 'file' ? [`complete -c cors-sidecar${within} -F`] : []),
      ...options.map(({ names, help, values }) => {
        const flags = names.map((option) =>
          option.startsWith('--') ? ` -l ${option.slice(2)}` : ` -s ${option.slice(1)}`,
        )
        return `complete -c cors-sidecar${within}${flags.join('')}${value(values)} -d ${quoted(help)}`
      }),
    ]
  })
  return `# fish completion of cors-sidecar\ncomplete -c cors-sidecar -f\n${lines.join('\n')}\n`
}

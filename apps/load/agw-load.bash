# bash completion for agw-load: options are taken from --help.
_agw_load() {
  local cur prev words cword
  _init_completion || return
  case $prev in
    --json | --start) _filedir; return ;;
    --config) _filedir toml; return ;;
    --log-level) COMPREPLY=($(compgen -W 'trace debug info warn error off' -- "$cur")); return ;;
    --direction) COMPREPLY=($(compgen -W 'up down both' -- "$cur")); return ;;
    --*) [[ " $("$1" --help 2>/dev/null) " != *" $prev "[A-Z]* ]] || return ;;
  esac
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W '$(_parse_help "$1")' -- "$cur"))
  else
    COMPREPLY=($(compgen -W 'bulk-up bulk-down messages setup idle churn sweep' -- "$cur"))
  fi
}
complete -F _agw_load agw-load

# bash completion for agw-server: options are taken from --help.
_agw_server() {
  local cur prev words cword
  _init_completion || return
  case $prev in
    --config) _filedir toml; return ;;
    --log-level) COMPREPLY=($(compgen -W 'trace debug info warn warning error off' -- "$cur")); return ;;
    --*) [[ " $("$1" --help 2>/dev/null) " != *" $prev "[A-Z]* ]] || return ;;
  esac
  COMPREPLY=($(compgen -W '$(_parse_help "$1")' -- "$cur"))
}
complete -F _agw_server agw-server

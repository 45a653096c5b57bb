# bash completion for agw-h248: options are taken from --help, of the command where there is one.
_agw_h248() {
  local cur prev words cword word command=
  _init_completion || return
  if [[ $prev == --pcap ]]; then _filedir; return; fi
  for word in "${words[@]:1:cword-1}"; do
    case $word in check | print | packages | reference) command=$word; break ;; esac
  done
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W '$("$1" $command --help 2>/dev/null | grep -oE -- "--[a-z][a-z0-9-]*" | sort -u)' -- "$cur"))
  elif [[ -z $command ]]; then
    COMPREPLY=($(compgen -W 'check print packages reference' -- "$cur"))
  else
    _filedir
  fi
}
complete -F _agw_h248 agw-h248

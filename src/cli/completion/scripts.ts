/** The shells' side of completion. Each asks the `armstalk` that is being typed, so that it fits whatever version that is. */

/** Works from bash 3.2 (macOS) on; bash splits words at = : and @ too, which is undone here. */
const BASH = `# Completion of armstalk for bash:  source <(armstalk completion bash)
_armstalk() {
  local words=() rest=$COMP_LINE piece cword=0 last=-1 i line word cur fragment
  for ((i = 0; i < \${#COMP_WORDS[@]}; i++)); do
    piece=\${COMP_WORDS[i]}
    if ((i > 0)) && [[ $rest != [[:space:]]* && -n $rest ]]; then
      words[last]+=$piece
    else
      last=$((last + 1))
      words[last]=$piece
    fi
    rest=\${rest#"\${rest%%[![:space:]]*}"}
    rest=\${rest#"$piece"}
    if ((i == COMP_CWORD)); then cword=$last cur=\${words[last]} fragment=$piece; fi
  done
  # Readline takes the @ to the word behind it (names of hosts), = and : not.
  case $fragment in = | :) fragment= ;; esac
  if ((COMP_CWORD > 0)) && [[ \${COMP_WORDS[COMP_CWORD - 1]} == @ && $cur == *"@$fragment" ]]; then fragment=@$fragment; fi
  local before=\${cur%"$fragment"} files=
  COMPREPLY=()
  while IFS= read -r line; do
    word=\${line%%$'\\t'*}
    case $line in
      :*files*) files=yes ;;
      :*open*) type compopt > /dev/null 2>&1 && compopt -o nospace ;;
      :*) ;;
      *) COMPREPLY[\${#COMPREPLY[@]}]=\${word#"$before"} ;;
    esac
  done < <("$1" __complete $((cword - 1)) "\${words[@]:1}" 2> /dev/null)
  if [[ -z $files ]]; then type compopt > /dev/null 2>&1 && compopt +o default; fi
  return 0
}
complete -o default -F _armstalk armstalk
`;

const ZSH = `#compdef armstalk
# Completion of armstalk for zsh:  source <(armstalk completion zsh), or this text as _armstalk in a directory of $fpath
_armstalk() {
  local line word about
  local -a plain described names open
  for line in "\${(@f)$("\${words[1]}" __complete $((CURRENT - 2)) "\${(@)words[2,-1]}" 2> /dev/null)}"; do
    word=\${line%%$'\\t'*}
    about=\${line#*$'\\t'}
    case $line in
      :*files*) _files ;;
      :*open*) open=(-S '') ;;
      :*) ;;
      *$'\\t'*) names+=("$word") described+=("$word -- $about") ;;
      ?*) plain+=("$word") ;;
    esac
  done
  (($#plain)) && compadd "\${open[@]}" -a plain
  (($#names)) && compadd -l -d described -a names
  return 0
}
if [[ $funcstack[1] == _armstalk ]]; then _armstalk "$@"; else compdef _armstalk armstalk; fi
`;

const FISH = `# Completion of armstalk for fish:  armstalk completion fish | source
function __armstalk_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in ($words[1] __complete (math (count $words) - 1) $words[2..-1] "$current" 2> /dev/null)
        switch $line
            case ':*files*'
                __fish_complete_path $current
            case ':*'
            case '*'
                echo $line
        end
    end
end
complete -c armstalk -f -a '(__armstalk_complete)'
`;

export const COMPLETION_SCRIPTS = { bash: BASH, zsh: ZSH, fish: FISH } as const;
export type Shell = keyof typeof COMPLETION_SCRIPTS;
export const SHELLS = Object.keys(COMPLETION_SCRIPTS) as Shell[];

# bash completion for synrouter; made by: synrouter completions bash

_synrouter_values() {
    "${COMP_WORDS[0]/#\~/$HOME}" complete-values "$1" 2>/dev/null | cut -f1
}

_synrouter() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} place= words= word i line=$'\n'
    # bash makes a word of its own of each "=".
    if [[ $cur == "=" ]]; then
        cur=
    elif [[ $prev == "=" ]]; then
        prev=${COMP_WORDS[COMP_CWORD-2]}
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "$place/${COMP_WORDS[i]}" in
            /up | /down | /demo | /status | /stats | /sessions | /explain | /estimate | /providers | /models | /logs | /configure | /run | /env | /doctor | /completions | /keys | /keys/set | /keys/list | /keys/remove | /keys/test | /token | /token/show | /token/rotate | /service | /service/install | /service/uninstall) place="$place/${COMP_WORDS[i]}" ;;
        esac
    done
    case "$place $prev" in
        "/up --port") return ;;
        "/up --mode") words="auto coding general" ;;
        "/up --level") words="observe safe standard max" ;;
        "/up --upstream") words="$(_synrouter_values upstreams)" ;;
        "/up --listen") return ;;
        "/up --allow-host") return ;;
        "/demo --seconds") return ;;
        "/stats --since") words="$(_synrouter_values days)" ;;
        "/stats --until") words="$(_synrouter_values days)" ;;
        "/stats --timezone") words="$(_synrouter_values zones)" ;;
        "/stats --by") words="day session client model provider" ;;
        "/sessions --since") words="$(_synrouter_values days)" ;;
        "/explain --turn") return ;;
        "/logs --lines" | "/logs -n") return ;;
        "/configure --model") words="$(_synrouter_values models)" ;;
        "/configure --scope") words="user project" ;;
        "/configure --auth") words="key subscription" ;;
        "/run --model") words="$(_synrouter_values models)" ;;
        "/run --auth") words="key subscription" ;;
        "/env --model") words="$(_synrouter_values models)" ;;
        "/env --auth") words="key subscription" ;;
        "/env --shell") words="sh bash zsh fish powershell" ;;
        "/service/install --port") return ;;
        "/service/install --mode") words="auto coding general" ;;
        "/service/install --level") words="observe safe standard max" ;;
        "/service/install --upstream") words="$(_synrouter_values upstreams)" ;;
        "/service/install --listen") return ;;
        "/service/install --allow-host") return ;;
        *)
            if [[ $cur == -* ]]; then
                case "$place" in
                    "") words="--version --help -h" ;;
                    "/up") words="--port --plain --detach --demo --mode --level --upstream --listen --allow-host --help -h" ;;
                    "/down") words="--help -h" ;;
                    "/demo") words="--plain --seconds --help -h" ;;
                    "/status") words="--json --help -h" ;;
                    "/stats") words="--since --until --timezone --by --compact --wide --live --json --csv --help -h" ;;
                    "/sessions") words="--since --json --help -h" ;;
                    "/explain") words="--turn --json --help -h" ;;
                    "/estimate") words="--json --help -h" ;;
                    "/providers") words="--json --help -h" ;;
                    "/models") words="--refresh --json --help -h" ;;
                    "/logs") words="--follow -f --lines -n --help -h" ;;
                    "/configure") words="--undo --dry-run --yes -y --model --scope --auth --list --json --help -h" ;;
                    "/run") words="--model --auth --help -h" ;;
                    "/env") words="--model --auth --shell --help -h" ;;
                    "/doctor") words="--json --help -h" ;;
                    "/completions") words="--help -h" ;;
                    "/keys") words="--help -h" ;;
                    "/keys/set") words="--help -h" ;;
                    "/keys/list") words="--json --help -h" ;;
                    "/keys/remove") words="--help -h" ;;
                    "/keys/test") words="--help -h" ;;
                    "/token") words="--help -h" ;;
                    "/token/show") words="--help -h" ;;
                    "/token/rotate") words="--help -h" ;;
                    "/service") words="--help -h" ;;
                    "/service/install") words="--port --mode --level --upstream --listen --allow-host --dry-run --help -h" ;;
                    "/service/uninstall") words="--dry-run --help -h" ;;
                esac
            else
                case "$place" in
                    "") words="up down demo status stats sessions explain estimate providers models logs configure run env doctor completions keys token service" ;;
                    "/explain") words="$(_synrouter_values sessions)" ;;
                    "/estimate") compopt -o default 2>/dev/null; return ;;
                    "/models") words="$(_synrouter_values providers)" ;;
                    "/configure") words="$(_synrouter_values clients)" ;;
                    "/run") words="$(_synrouter_values clients)" ;;
                    "/env") words="$(_synrouter_values clients)" ;;
                    "/completions") words="bash zsh fish powershell" ;;
                    "/keys") words="set list remove test" ;;
                    "/keys/set") words="$(_synrouter_values providers)" ;;
                    "/keys/remove") words="$(_synrouter_values providers)" ;;
                    "/keys/test") words="$(_synrouter_values providers)" ;;
                    "/token") words="show rotate" ;;
                    "/service") words="install uninstall" ;;
                esac
            fi
            ;;
    esac
    COMPREPLY=()
    while IFS= read -r word; do
        [[ -n $word && $word == "$cur"* ]] && COMPREPLY+=("$word")
    done <<< "${words// /$line}"
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then
        compopt -o nospace 2>/dev/null
    fi
}

complete -F _synrouter synrouter

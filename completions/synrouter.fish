# fish completion for synrouter; made by: synrouter completions fish

function __synrouter_at --description 'Whether the command line stands at this command'
    set -l place
    for word in (commandline -opc)[2..]
        switch "$place/$word"
            case /up /down /demo /status /stats /sessions /explain /estimate /providers /models /logs /configure /run /env /doctor /completions /keys /keys/set /keys/list /keys/remove /keys/test /token /token/show /token/rotate /service /service/install /service/uninstall
                set place "$place/$word"
        end
    end
    test "$place" = "$argv[1]"
end

function __synrouter_values
    set -l words (commandline -opc)
    eval $words[1] complete-values $argv[1] 2>/dev/null
end

complete -c synrouter -f
complete -c synrouter -n '__synrouter_at ""' -a up -d 'Start the proxy, with the dashboard on a terminal.'
complete -c synrouter -n '__synrouter_at ""' -a down -d 'Stop the proxy; requests in flight are finished first.'
complete -c synrouter -n '__synrouter_at ""' -a demo -d 'See it work on a simulated provider.'
complete -c synrouter -n '__synrouter_at ""' -a status -d 'Show whether the proxy runs, where, and how it is set.'
complete -c synrouter -n '__synrouter_at ""' -a stats -d 'Show what turns cost, and what was saved.'
complete -c synrouter -n '__synrouter_at ""' -a sessions -d 'List the latest sessions: their cost, and if they are warm.'
complete -c synrouter -n '__synrouter_at ""' -a explain -d 'Say why a turn missed the cache, its cost, and what to do.'
complete -c synrouter -n '__synrouter_at ""' -a estimate -d 'Show what past sessions cost, and would have cost.'
complete -c synrouter -n '__synrouter_at ""' -a providers -d 'List the providers: dialects, key, address.'
complete -c synrouter -n '__synrouter_at ""' -a models -d 'List what is known of models: price, context, cache.'
complete -c synrouter -n '__synrouter_at ""' -a logs -d 'Show what the proxy wrote down.'
complete -c synrouter -n '__synrouter_at ""' -a configure -d 'Write the configuration that puts a client on the proxy.'
complete -c synrouter -n '__synrouter_at ""' -a run -d 'Start a client on the proxy; none of its files is touched.'
complete -c synrouter -n '__synrouter_at ""' -a env -d 'Print the export lines that put a client on the proxy.'
complete -c synrouter -n '__synrouter_at ""' -a doctor -d 'Check what has to be right, and say what to do.'
complete -c synrouter -n '__synrouter_at ""' -a completions -d 'Print the completions of your shell.'
complete -c synrouter -n '__synrouter_at ""' -a keys -d 'Keep the providers\' keys in the keyring of your system.'
complete -c synrouter -n '__synrouter_at ""' -a token -d 'Show or replace the local key that clients send to the proxy.'
complete -c synrouter -n '__synrouter_at ""' -a service -d 'Have the proxy start when you log in.'
complete -c synrouter -n '__synrouter_at ""' -l version -d 'Print the version.'
complete -c synrouter -n '__synrouter_at ""' -l help -s h -d 'Show the help and exit.'
complete -c synrouter -n '__synrouter_at /up' -l port -d 'Port on 127.0.0.1; 0 takes any free one.' -x
complete -c synrouter -n '__synrouter_at /up' -l plain -d 'A line a turn instead of the dashboard.'
complete -c synrouter -n '__synrouter_at /up' -l detach -d 'Start it in the background and return.'
complete -c synrouter -n '__synrouter_at /up' -l demo -d 'Show it on a simulated provider, as `demo` does.'
complete -c synrouter -n '__synrouter_at /up' -l mode -d 'What is cached for whom.' -x -a 'auto coding general'
complete -c synrouter -n '__synrouter_at /up' -l level -d 'What may be changed.' -x -a 'observe safe standard max'
complete -c synrouter -n '__synrouter_at /up' -l upstream -d 'Point a provider elsewhere for this run.' -x -a '(__synrouter_values upstreams)'
complete -c synrouter -n '__synrouter_at /up' -l listen -d 'Also serve this address of yours: containers, WSL.' -x
complete -c synrouter -n '__synrouter_at /up' -l allow-host -d 'Also answer to this Host, such as host.docker.internal.' -x
complete -c synrouter -n '__synrouter_at /up' -l help -s h -d 'Show the help and exit.'
complete -c synrouter -n '__synrouter_at /down' -l help -s h -d 'Show the help and exit.'
complete -c synrouter -n '__synrouter_at /demo' -l plain -d 'A line a turn instead of the dashboard.'
complete -c synrouter -n '__synrouter_at /demo' -l seconds -d 'How long it plays.' -x
complete -c synrouter -n '__synrouter_at /demo' -l help -s h -d 'Show the help and exit.'
complete -c synrouter -n '__synrouter_at /status' -l json -d 'One JSON object, for programs.'
complete -c synrouter -n '__synrouter_at /status' -l help -s h -d 'Show the help and exit.'
complete -c synrouter -n '__synrouter_at /stats' -l since -d 'From when: 24h, 7d, 4w, or a date.' -x -a '(__synrouter_values days)'
complete -c synrouter -n '__synrouter_at /stats' -l until -d 'Up to when; now if left out.' -x -a '(__synrouter_values days)'
complete -c synrouter -n '__synrouter_at /stats' -l timezone -d 'Where days begin: UTC, Europe/Berlin.' -x -a '(__synrouter_values zones)'
complete -c synrouter -n '__synrouter_at /stats' -l by -d 'What has a row each.' -x -a 'day session client model provider'
complete -c synrouter -n '__synrouter_at /stats' -l compact -d 'Only the columns that matter most.'
complete -c synrouter -n '__synrouter_at /stats' -l wide -d 'All columns, however wide the terminal is.'
complete -c synrouter -n '__synrouter_at /stats' -l live -d 'The dashboard, from any terminal.'
complete -c synrouter -n '__synrouter_at /stats' -l json -d 'One JSON object, for programs.'
complete -c synrouter -n '__synrouter_at /stats' -l csv -d 'The rows for a spreadsheet.'
complete -c synrouter -n '__synrouter_at /stats' -l help -s h -d 'Show the help and exit.'
complete -c synrouter -n '__synrouter_at /sessions' -l since -d 'From when: 24h, 7d, 4w, or a date.' -x -a '(__synrouter_values days)'
complete -c synrouter -n '__synrouter_at /sessions' -l json -d 'One JSON object, for programs.'
complete -c synrouter -n '__synrouter_at /sessions' -l help -s h -d 'Show the help and exit.'
complete -c synrouter -n '__synrouter_at /explain' -a '(__synrouter_values sessions)'
complete -c synrouter -n '__synrouter_at /explain' -l turn -d 'One turn of it.' -x
complete -c synrouter -n '__synrouter_at /explain' -l json -d 'One JSON object, for programs.'
complete -c synrouter -n '__synrouter_at /explain' -l help -s h -d 'Show the help and exit.'
complete -c synrouter -n '__synrouter_at /estimate' -F
complete -c synrouter -n '__synrouter_at /estimate' -l json -d 'One JSON object, for programs.'
complete -c synrouter -n '__synrouter_at /estimate' -l help -s h -d 'Show the help and exit.'
complete -c synrouter -n '__synrouter_at /providers' -l json -d 'One JSON object, for programs.'
complete -c synrouter -n '__synrouter_at /providers' -l help -s h -d 'Show the help and exit.'
complete -c synrouter -n '__synrouter_at /models' -a '(__synrouter_values providers)'
complete -c synrouter -n '__synrouter_at /models' -l refresh -d 'Ask the providers for their lists first.'
complete -c synrouter -n '__synrouter_at /models' -l json -d 'One JSON object, for programs.'
complete -c synrouter -n '__synrouter_at /models' -l help -s h -d 'Show the help and exit.'
complete -c synrouter -n '__synrouter_at /logs' -l follow -s f -d 'Go on with what is written, until Ctrl-C.'
complete -c synrouter -n '__synrouter_at /logs' -l lines -s n -d 'How many of the last lines.' -x
complete -c synrouter -n '__synrouter_at /logs' -l help -s h -d 'Show the help and exit.'
complete -c synrouter -n '__synrouter_at /configure' -a '(__synrouter_values clients)'
complete -c synrouter -n '__synrouter_at /configure' -l undo -d 'Take back what was written.'
complete -c synrouter -n '__synrouter_at /configure' -l dry-run -d 'Show the difference, write nothing.'
complete -c synrouter -n '__synrouter_at /configure' -l yes -s y -d 'Write without asking.'
complete -c synrouter -n '__synrouter_at /configure' -l model -d 'What it uses from now on; its own choice if left out.' -x -a '(__synrouter_values models)'
complete -c synrouter -n '__synrouter_at /configure' -l scope -d 'For all projects, or this one.' -x -a 'user project'
complete -c synrouter -n '__synrouter_at /configure' -l auth -d 'Whose credential pays.' -x -a 'key subscription'
complete -c synrouter -n '__synrouter_at /configure' -l list -d 'Every client: installed, configured, pointing where.'
complete -c synrouter -n '__synrouter_at /configure' -l json -d 'One JSON object, for programs.'
complete -c synrouter -n '__synrouter_at /configure' -l help -s h -d 'Show the help and exit.'
complete -c synrouter -n '__synrouter_at /run' -a '(__synrouter_values clients)'
complete -c synrouter -n '__synrouter_at /run' -l model -d 'What it uses, this time.' -x -a '(__synrouter_values models)'
complete -c synrouter -n '__synrouter_at /run' -l auth -d 'Whose credential pays.' -x -a 'key subscription'
complete -c synrouter -n '__synrouter_at /run' -l help -s h -d 'Show the help and exit.'
complete -c synrouter -n '__synrouter_at /env' -a '(__synrouter_values clients)'
complete -c synrouter -n '__synrouter_at /env' -l model -d 'What it is to use.' -x -a '(__synrouter_values models)'
complete -c synrouter -n '__synrouter_at /env' -l auth -d 'Whose credential pays.' -x -a 'key subscription'
complete -c synrouter -n '__synrouter_at /env' -l shell -d 'Who reads them.' -x -a 'sh bash zsh fish powershell'
complete -c synrouter -n '__synrouter_at /env' -l help -s h -d 'Show the help and exit.'
complete -c synrouter -n '__synrouter_at /doctor' -l json -d 'One JSON object, for programs.'
complete -c synrouter -n '__synrouter_at /doctor' -l help -s h -d 'Show the help and exit.'
complete -c synrouter -n '__synrouter_at /completions' -a 'bash zsh fish powershell'
complete -c synrouter -n '__synrouter_at /completions' -l help -s h -d 'Show the help and exit.'
complete -c synrouter -n '__synrouter_at /keys' -a set -d 'Keep a key: typed at a hidden prompt, or piped in.'
complete -c synrouter -n '__synrouter_at /keys' -a list -d 'List the keys there are, masked, and where each comes from.'
complete -c synrouter -n '__synrouter_at /keys' -a remove -d 'Take a key out of the keyring.'
complete -c synrouter -n '__synrouter_at /keys' -a test -d 'Ask the provider whether it takes the key; that costs nothing.'
complete -c synrouter -n '__synrouter_at /keys' -l help -s h -d 'Show the help and exit.'
complete -c synrouter -n '__synrouter_at /keys/set' -a '(__synrouter_values providers)'
complete -c synrouter -n '__synrouter_at /keys/set' -l help -s h -d 'Show the help and exit.'
complete -c synrouter -n '__synrouter_at /keys/list' -l json -d 'One JSON object, for programs.'
complete -c synrouter -n '__synrouter_at /keys/list' -l help -s h -d 'Show the help and exit.'
complete -c synrouter -n '__synrouter_at /keys/remove' -a '(__synrouter_values providers)'
complete -c synrouter -n '__synrouter_at /keys/remove' -l help -s h -d 'Show the help and exit.'
complete -c synrouter -n '__synrouter_at /keys/test' -a '(__synrouter_values providers)'
complete -c synrouter -n '__synrouter_at /keys/test' -l help -s h -d 'Show the help and exit.'
complete -c synrouter -n '__synrouter_at /token' -a show -d 'Print the local key, for a client\'s API key setting.'
complete -c synrouter -n '__synrouter_at /token' -a rotate -d 'Replace the local key; the old one stops working at once.'
complete -c synrouter -n '__synrouter_at /token' -l help -s h -d 'Show the help and exit.'
complete -c synrouter -n '__synrouter_at /token/show' -l help -s h -d 'Show the help and exit.'
complete -c synrouter -n '__synrouter_at /token/rotate' -l help -s h -d 'Show the help and exit.'
complete -c synrouter -n '__synrouter_at /service' -a install -d 'Start the proxy now and at each login, and again where it dies.'
complete -c synrouter -n '__synrouter_at /service' -a uninstall -d 'Stop it and take it away: the proxy starts by itself no more.'
complete -c synrouter -n '__synrouter_at /service' -l help -s h -d 'Show the help and exit.'
complete -c synrouter -n '__synrouter_at /service/install' -l port -d 'Port on 127.0.0.1; 0 takes any free one.' -x
complete -c synrouter -n '__synrouter_at /service/install' -l mode -d 'What is cached for whom.' -x -a 'auto coding general'
complete -c synrouter -n '__synrouter_at /service/install' -l level -d 'What may be changed.' -x -a 'observe safe standard max'
complete -c synrouter -n '__synrouter_at /service/install' -l upstream -d 'Point a provider elsewhere for this run.' -x -a '(__synrouter_values upstreams)'
complete -c synrouter -n '__synrouter_at /service/install' -l listen -d 'Also serve this address of yours: containers, WSL.' -x
complete -c synrouter -n '__synrouter_at /service/install' -l allow-host -d 'Also answer to this Host, such as host.docker.internal.' -x
complete -c synrouter -n '__synrouter_at /service/install' -l dry-run -d 'Show the unit, write nothing.'
complete -c synrouter -n '__synrouter_at /service/install' -l help -s h -d 'Show the help and exit.'
complete -c synrouter -n '__synrouter_at /service/uninstall' -l dry-run -d 'Say what would go, remove nothing.'
complete -c synrouter -n '__synrouter_at /service/uninstall' -l help -s h -d 'Show the help and exit.'

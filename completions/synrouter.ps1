# PowerShell completion for synrouter; made by: synrouter completions powershell

Register-ArgumentCompleter -Native -CommandName synrouter -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $commands = @{
        '' = @(, @('up', 'Start the proxy, with the dashboard on a terminal.'); , @('down', 'Stop the proxy; requests in flight are finished first.'); , @('demo', 'See it work on a simulated provider.'); , @('status', 'Show whether the proxy runs, where, and how it is set.'); , @('stats', 'Show what turns cost, and what was saved.'); , @('sessions', 'List the latest sessions: their cost, and if they are warm.'); , @('explain', 'Say why a turn missed the cache, its cost, and what to do.'); , @('estimate', 'Show what past sessions cost, and would have cost.'); , @('providers', 'List the providers: dialects, key, address.'); , @('models', 'List what is known of models: price, context, cache.'); , @('logs', 'Show what the proxy wrote down.'); , @('configure', 'Write the configuration that puts a client on the proxy.'); , @('run', 'Start a client on the proxy; none of its files is touched.'); , @('env', 'Print the export lines that put a client on the proxy.'); , @('doctor', 'Check what has to be right, and say what to do.'); , @('completions', 'Print the completions of your shell.'); , @('keys', 'Keep the providers'' keys in the keyring of your system.'); , @('token', 'Show or replace the local key that clients send to the proxy.'); , @('service', 'Have the proxy start when you log in.'))
        '/up' = @()
        '/down' = @()
        '/demo' = @()
        '/status' = @()
        '/stats' = @()
        '/sessions' = @()
        '/explain' = @()
        '/estimate' = @()
        '/providers' = @()
        '/models' = @()
        '/logs' = @()
        '/configure' = @()
        '/run' = @()
        '/env' = @()
        '/doctor' = @()
        '/completions' = @(, @('bash', 'bash'); , @('zsh', 'zsh'); , @('fish', 'fish'); , @('powershell', 'powershell'))
        '/keys' = @(, @('set', 'Keep a key: typed at a hidden prompt, or piped in.'); , @('list', 'List the keys there are, masked, and where each comes from.'); , @('remove', 'Take a key out of the keyring.'); , @('test', 'Ask the provider whether it takes the key; that costs nothing.'))
        '/keys/set' = @()
        '/keys/list' = @()
        '/keys/remove' = @()
        '/keys/test' = @()
        '/token' = @(, @('show', 'Print the local key, for a client''s API key setting.'); , @('rotate', 'Replace the local key; the old one stops working at once.'))
        '/token/show' = @()
        '/token/rotate' = @()
        '/service' = @(, @('install', 'Start the proxy now and at each login, and again where it dies.'); , @('uninstall', 'Stop it and take it away: the proxy starts by itself no more.'))
        '/service/install' = @()
        '/service/uninstall' = @()
    }
    $options = @{
        '' = @(, @('--version', 'Print the version.'); , @('--help', 'Show the help and exit.'); , @('-h', 'Show the help and exit.'))
        '/up' = @(, @('--port', 'Port on 127.0.0.1; 0 takes any free one.'); , @('--plain', 'A line a turn instead of the dashboard.'); , @('--detach', 'Start it in the background and return.'); , @('--demo', 'Show it on a simulated provider, as `demo` does.'); , @('--mode', 'What is cached for whom.'); , @('--level', 'What may be changed.'); , @('--upstream', 'Point a provider elsewhere for this run.'); , @('--listen', 'Also serve this address of yours: containers, WSL.'); , @('--allow-host', 'Also answer to this Host, such as host.docker.internal.'); , @('--help', 'Show the help and exit.'); , @('-h', 'Show the help and exit.'))
        '/down' = @(, @('--help', 'Show the help and exit.'); , @('-h', 'Show the help and exit.'))
        '/demo' = @(, @('--plain', 'A line a turn instead of the dashboard.'); , @('--seconds', 'How long it plays.'); , @('--help', 'Show the help and exit.'); , @('-h', 'Show the help and exit.'))
        '/status' = @(, @('--json', 'One JSON object, for programs.'); , @('--help', 'Show the help and exit.'); , @('-h', 'Show the help and exit.'))
        '/stats' = @(, @('--since', 'From when: 24h, 7d, 4w, or a date.'); , @('--until', 'Up to when; now if left out.'); , @('--timezone', 'Where days begin: UTC, Europe/Berlin.'); , @('--by', 'What has a row each.'); , @('--compact', 'Only the columns that matter most.'); , @('--wide', 'All columns, however wide the terminal is.'); , @('--live', 'The dashboard, from any terminal.'); , @('--json', 'One JSON object, for programs.'); , @('--csv', 'The rows for a spreadsheet.'); , @('--help', 'Show the help and exit.'); , @('-h', 'Show the help and exit.'))
        '/sessions' = @(, @('--since', 'From when: 24h, 7d, 4w, or a date.'); , @('--json', 'One JSON object, for programs.'); , @('--help', 'Show the help and exit.'); , @('-h', 'Show the help and exit.'))
        '/explain' = @(, @('--turn', 'One turn of it.'); , @('--json', 'One JSON object, for programs.'); , @('--help', 'Show the help and exit.'); , @('-h', 'Show the help and exit.'))
        '/estimate' = @(, @('--json', 'One JSON object, for programs.'); , @('--help', 'Show the help and exit.'); , @('-h', 'Show the help and exit.'))
        '/providers' = @(, @('--json', 'One JSON object, for programs.'); , @('--help', 'Show the help and exit.'); , @('-h', 'Show the help and exit.'))
        '/models' = @(, @('--refresh', 'Ask the providers for their lists first.'); , @('--json', 'One JSON object, for programs.'); , @('--help', 'Show the help and exit.'); , @('-h', 'Show the help and exit.'))
        '/logs' = @(, @('--follow', 'Go on with what is written, until Ctrl-C.'); , @('-f', 'Go on with what is written, until Ctrl-C.'); , @('--lines', 'How many of the last lines.'); , @('-n', 'How many of the last lines.'); , @('--help', 'Show the help and exit.'); , @('-h', 'Show the help and exit.'))
        '/configure' = @(, @('--undo', 'Take back what was written.'); , @('--dry-run', 'Show the difference, write nothing.'); , @('--yes', 'Write without asking.'); , @('-y', 'Write without asking.'); , @('--model', 'What it uses from now on; its own choice if left out.'); , @('--scope', 'For all projects, or this one.'); , @('--auth', 'Whose credential pays.'); , @('--list', 'Every client: installed, configured, pointing where.'); , @('--json', 'One JSON object, for programs.'); , @('--help', 'Show the help and exit.'); , @('-h', 'Show the help and exit.'))
        '/run' = @(, @('--model', 'What it uses, this time.'); , @('--auth', 'Whose credential pays.'); , @('--help', 'Show the help and exit.'); , @('-h', 'Show the help and exit.'))
        '/env' = @(, @('--model', 'What it is to use.'); , @('--auth', 'Whose credential pays.'); , @('--shell', 'Who reads them.'); , @('--help', 'Show the help and exit.'); , @('-h', 'Show the help and exit.'))
        '/doctor' = @(, @('--json', 'One JSON object, for programs.'); , @('--help', 'Show the help and exit.'); , @('-h', 'Show the help and exit.'))
        '/completions' = @(, @('--help', 'Show the help and exit.'); , @('-h', 'Show the help and exit.'))
        '/keys' = @(, @('--help', 'Show the help and exit.'); , @('-h', 'Show the help and exit.'))
        '/keys/set' = @(, @('--help', 'Show the help and exit.'); , @('-h', 'Show the help and exit.'))
        '/keys/list' = @(, @('--json', 'One JSON object, for programs.'); , @('--help', 'Show the help and exit.'); , @('-h', 'Show the help and exit.'))
        '/keys/remove' = @(, @('--help', 'Show the help and exit.'); , @('-h', 'Show the help and exit.'))
        '/keys/test' = @(, @('--help', 'Show the help and exit.'); , @('-h', 'Show the help and exit.'))
        '/token' = @(, @('--help', 'Show the help and exit.'); , @('-h', 'Show the help and exit.'))
        '/token/show' = @(, @('--help', 'Show the help and exit.'); , @('-h', 'Show the help and exit.'))
        '/token/rotate' = @(, @('--help', 'Show the help and exit.'); , @('-h', 'Show the help and exit.'))
        '/service' = @(, @('--help', 'Show the help and exit.'); , @('-h', 'Show the help and exit.'))
        '/service/install' = @(, @('--port', 'Port on 127.0.0.1; 0 takes any free one.'); , @('--mode', 'What is cached for whom.'); , @('--level', 'What may be changed.'); , @('--upstream', 'Point a provider elsewhere for this run.'); , @('--listen', 'Also serve this address of yours: containers, WSL.'); , @('--allow-host', 'Also answer to this Host, such as host.docker.internal.'); , @('--dry-run', 'Show the unit, write nothing.'); , @('--help', 'Show the help and exit.'); , @('-h', 'Show the help and exit.'))
        '/service/uninstall' = @(, @('--dry-run', 'Say what would go, remove nothing.'); , @('--help', 'Show the help and exit.'); , @('-h', 'Show the help and exit.'))
    }
    $values = @{
        '/up --port' = ''
        '/up --mode' = @('auto', 'coding', 'general')
        '/up --level' = @('observe', 'safe', 'standard', 'max')
        '/up --upstream' = 'upstreams'
        '/up --listen' = ''
        '/up --allow-host' = ''
        '/demo --seconds' = ''
        '/stats --since' = 'days'
        '/stats --until' = 'days'
        '/stats --timezone' = 'zones'
        '/stats --by' = @('day', 'session', 'client', 'model', 'provider')
        '/sessions --since' = 'days'
        '/explain --turn' = ''
        '/logs --lines' = ''
        '/logs -n' = ''
        '/configure --model' = 'models'
        '/configure --scope' = @('user', 'project')
        '/configure --auth' = @('key', 'subscription')
        '/run --model' = 'models'
        '/run --auth' = @('key', 'subscription')
        '/env --model' = 'models'
        '/env --auth' = @('key', 'subscription')
        '/env --shell' = @('sh', 'bash', 'zsh', 'fish', 'powershell')
        '/service/install --port' = ''
        '/service/install --mode' = @('auto', 'coding', 'general')
        '/service/install --level' = @('observe', 'safe', 'standard', 'max')
        '/service/install --upstream' = 'upstreams'
        '/service/install --listen' = ''
        '/service/install --allow-host' = ''
    }
    $elements = @($commandAst.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursorPosition })
    $place = ''
    $previous = ''
    foreach ($element in ($elements | Select-Object -Skip 1)) {
        $previous = $element.Extent.Text
        if ($commands.ContainsKey("$place/$previous")) { $place = "$place/$previous" }
    }
    $found = @(if ($values.ContainsKey("$place $previous")) {
        $kind = $values["$place $previous"]
        if ($kind -is [string]) {
            if ($kind) {
                & $elements[0].Extent.Text complete-values $kind 2>$null | ForEach-Object { , ($_ -split "`t", 2) }
            }
        } else {
            $kind | ForEach-Object { , @($_, $_) }
        }
    } elseif ($wordToComplete -like '-*') {
        $options[$place]
    } else {
        $commands[$place]
    })
    $found | Where-Object { $_ -and $_[0].StartsWith($wordToComplete) } | ForEach-Object {
        $what = if ($_[1]) { $_[1] } else { $_[0] }
        [System.Management.Automation.CompletionResult]::new($_[0], $_[0], 'ParameterValue', $what)
    }
}

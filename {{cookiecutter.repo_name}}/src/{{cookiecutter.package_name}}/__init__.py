"""The project's package: `python -m <package> --help` lists what it does.

The modules in reading order. Each imports from its own line and from lines above, never from below.

- ground: errors, schema, settings, artefact, lock, console
- source: credentials, web, remote, source
- reading: read, dialect, formats, excel
- columns: dictionary, conform, spelling, infer, recipe
- data: data, split
- suspicions: suspicion, suspicions, giveaways, duplicates, sentinels
- features: features
- models: models, network, metrics, blend, threshold, trials
- runs: runs, own_code, surroundings, confidence
- train and predict: train, predict
- what the report says: slices, learning, coefficients, diagnostics, label_errors, annotators
- the report: evaluate, sections, choices, verdict, figures
- exploring: explore
- the graph of the steps: steps, shelf
- around runs: compare, promote, reproduce, lineage, track
- sharing: store, push, pull
- the edge: install, chores, cli, __main__
"""

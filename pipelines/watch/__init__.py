"""The extraction watch: which accounts use the service in an unusual, harvesting-like way.

    features/    what detectors see: slices, organisations, places and hours, as SQL
    taught/      detectors taught on planted campaigns, their scores, reasons and part of the queue
    mass_shape   output that neither own volume nor own answer lengths explain; taught by nobody
    synchrony    accounts that work to one rhythm (arrays only)
    groups       rhythm and rare shared attributes, joined into groups
    calibrate    empirical p-values and the alert budget
    reasons      why a case of the untaught detectors is shown, and what speaks against it
    cases        the queue: one case a campaign
    newcomers    accounts of the last two weeks, ranked by their first days
    enforcement  usage after a suspension or outside a licence
    run          all of it: marts.activity_* -> watch.*, published.extraction_flags
    bench/       planted campaigns and look-alikes, and what all this finds of them; `measured` keeps its figures

A flag is a lead for a person to review, not a finding. Decisions about cases belong in
`pipelines/cases`.
"""

"""The extraction watch: which accounts use the service in an unusual, harvesting-like way.

    mass_shape   detector A: output that neither own volume nor own answer lengths explain
    synchrony    detector C: accounts that work to one rhythm (arrays only)
    groups       detector C: rhythm and rare shared attributes, joined into groups
    calibrate    empirical p-values and the alert budget
    reasons      why a case is shown, and what speaks against it
    cases        the queue: one case a campaign
    run          all of it: marts.activity_* -> watch.*, published.extraction_flags

A flag is a lead for a person to review, not a finding. Decisions about cases belong in
`pipelines/cases`.
"""

"""The extraction watch: which accounts use the service in an unusual, harvesting-like way.

    mass_shape     detector A: output that neither own volume, own answer length nor own input explains
    synchrony      detector C: accounts that work to one rhythm
    links          detector C: small accounts that share a rare client network or prompt template
    calibrate      conformal ranks and the alert budget
    reasons        why a case is shown, and what speaks against it
    run            the whole of it: marts.activity_* -> watch.*, published.extraction_flags

A flag is a lead for a person to review, not a finding. Decisions about cases do not belong here.
"""

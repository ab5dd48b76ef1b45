"""What people do with the cases of the watch: decisions that come back as a file, and evidence to hand out.

    states       the states a case can be in, and which may follow which
    entry        one decision: its schema, canonical text and digest
    file         cases/decisions.yaml as entries, with errors that name entry, line and field
    chain        whether the entries are what was decided: digests, order, and the head kept elsewhere
    decisions    all of it read at once: what holds, what does not, the latest decision of each case
    store        adds and seals entries: the only place that writes the file
    notes        expiring allow-notes of benign decisions, which the queue leaves out
    apply        states, history and notes on the queue that detection wrote
    audit        the random sample beside the queue
    recall       what the sample says about cases that are missed
    listing      cases of the queue and the file together, for people
    text         their layout in a terminal
    deciding     a decision from what a reviewer says of a case
    evidence     the pack of a case and the notice to the organisation (evidence_*, notice, export_command)
    commands     `meterhouse cases`

How usage comes to be flagged belongs in `pipelines/watch`.
"""

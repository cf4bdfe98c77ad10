"""The host killed in the middle of it: what was acknowledged is there, once, and gets its score."""

import threading

import pytest
from hosting import running_host, submission_text, write_competition

TEAMS = [f"team {i}" for i in range(6)]


@pytest.mark.slow
def test_every_acknowledged_submission_outlives_a_kill_and_gets_its_score(tmp_path):
    write_competition(tmp_path / "shop", max_daily_submissions=1000)
    acknowledged: dict[int, float] = {}
    enough = threading.Event()

    def submit(client, number):
        value = 0
        while True:
            value += 1
            try:
                # Each row is off by 1000 * team + value: the score tells whose submission it is.
                text = submission_text([i + 1000 * number + value for i in range(10)])
                acknowledged[client.submit("shop", text)] = 1000 * number + value
            except Exception:
                return  # the host is gone
            if len(acknowledged) >= 40:
                enough.set()

    with running_host(tmp_path, *TEAMS) as running:
        clients = [running.client(name) for name in TEAMS]
        threads = [threading.Thread(target=submit, args=(c, n)) for n, c in enumerate(clients)]
        for thread in threads:
            thread.start()
        assert enough.wait(120)
        running.process.kill()
        running.process.wait()
        for thread in threads:
            thread.join()
        tokens = running.tokens

    with running_host(tmp_path, tokens=tokens) as running:
        found = {}
        for name in TEAMS:
            client = running.client(name)
            listed = client.call("ListSubmissions", competitionName="shop", pageSize=1000)["submissions"]
            for submission in listed:
                assert submission["ref"] not in found
                found[submission["ref"]] = float(client.wait(submission["ref"], 120)["publicScore"])
    assert {ref: found[ref] for ref in acknowledged} == acknowledged
    # One more of each team may have been taken whose answer did not arrive any more; none is there twice.
    assert len(found) <= len(acknowledged) + len(TEAMS)
    assert len(set(found.values())) == len(found)

"""Taking submissions: rules, limits, deadlines, and the same upload never twice."""

import threading
from datetime import UTC, datetime, timedelta

from hosting import Clock, local_host, submission_text, write_competition

from aicomp.host.teams import create_team, team_of_token

ZEROS = submission_text([0] * 10)


def test_rules_come_first(tmp_path):
    write_competition(tmp_path / "shop")
    with local_host(tmp_path) as local:
        ada = local.team(accept_rules=False)
        for call, body in (
            ("DownloadDataFiles", {}),
            ("DownloadDataFile", {"fileName": "train.csv"}),
            ("StartSubmissionUpload", {"contentLength": 1, "fileName": "a.csv"}),
            ("CreateSubmission", {"blobFileTokens": "x"}),
        ):
            answer = ada.post(call, competitionName="shop", **body)
            assert (answer.status_code, answer.json()["code"]) == (403, 403), call
            assert answer.json()["message"].startswith("You must accept this competition's rules before you"), call
        listed = ada.call("ListCompetitions")["competitions"]
        assert "userHasEntered" not in listed[0]


def test_the_daily_limit_holds_for_submissions_at_the_same_moment(tmp_path):
    write_competition(tmp_path / "shop", max_daily_submissions=3)
    with local_host(tmp_path) as local:
        ada = local.team()
        tokens = [ada.upload("shop", ZEROS) for _ in range(8)]
        answers = []

        def submit(token):
            answers.append(ada.post("CreateSubmission", competitionName="shop", blobFileTokens=token))

        threads = [threading.Thread(target=submit, args=(token,)) for token in tokens]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(a.status_code for a in answers) == [200] * 3 + [400] * 5
        refused = next(a for a in answers if a.status_code == 400)
        assert refused.json()["message"] == (
            "Submission not allowed: Your team has used its daily Submission allowance (3) today, "
            "please try again tomorrow UTC (12 hours from now)."
        )
        limits = ada.call("GetSubmissionLimits", competitionName="shop")
        assert limits == {"numToday": 3, "numTotal": 3}


def test_a_day_ends_at_midnight_utc_and_each_team_has_its_own_limit(tmp_path):
    write_competition(tmp_path / "shop", max_daily_submissions=1)
    clock = Clock(datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC))
    with local_host(tmp_path, clock=clock) as local:
        ada, ben = local.team("Ada"), local.team("Ben")
        ada.submit("shop", ZEROS)
        refused = ada.post("StartSubmissionUpload", competitionName="shop", contentLength=1, fileName="a.csv")
        assert "(0 minutes from now)" in refused.json()["message"]
        ben.submit("shop", ZEROS)
        clock.now += timedelta(seconds=1)
        ada.submit("shop", ZEROS)
        assert ada.call("GetSubmissionLimits", competitionName="shop") == {"numToday": 1, "numTotal": 2}


def test_the_same_upload_is_one_submission(tmp_path):
    write_competition(tmp_path / "shop")
    with local_host(tmp_path) as local:
        ada, ben = local.team("Ada"), local.team("Ben")
        token = ada.upload("shop", ZEROS)
        created = [ada.call("CreateSubmission", competitionName="shop", blobFileTokens=token) for _ in range(3)]
        assert created[0] == created[1] == created[2]
        assert len(ada.call("ListSubmissions", competitionName="shop")["submissions"]) == 1
        stolen = ben.post("CreateSubmission", competitionName="shop", blobFileTokens=token)
        assert stolen.status_code == 404
        assert ben.call("ListSubmissions", competitionName="shop") == {}


def test_an_upload_for_one_competition_is_none_for_another(tmp_path):
    write_competition(tmp_path / "shop")
    write_competition(tmp_path / "other")
    with local_host(tmp_path) as local:
        ada = local.team()
        token = ada.upload("shop", ZEROS)
        assert ada.post("CreateSubmission", competitionName="other", blobFileTokens=token).status_code == 404
        begun = ada.call("StartSubmissionUpload", competitionName="shop", contentLength=5, fileName="a.csv")["token"]
        answer = ada.post("CreateSubmission", competitionName="shop", blobFileTokens=begun)
        assert (answer.status_code, answer.json()["message"]) == (400, "The upload of the file is not complete.")


def test_late_submissions_are_graded_and_do_not_rank(tmp_path):
    deadline = datetime(2026, 3, 1, 12, tzinfo=UTC)
    write_competition(tmp_path / "shop", usage="PPVVVVVVVV", deadline=deadline)
    clock = Clock(deadline)
    with local_host(tmp_path, clock=clock) as local:
        ada, ben = local.team("Ada"), local.team("Ben")
        first = ada.submit("shop", ZEROS)
        # Rows a0 and a1 are public: the mean of 0 and 1. The others: the mean of 2 to 9.
        done = ada.wait(first)
        assert (done["publicScore"], "privateScore" in done) == ("0.50000", False)
        clock.now += timedelta(seconds=1)
        assert ada.wait(first)["privateScore"] == "5.50000"
        late = ben.wait(ben.submit("shop", submission_text(range(10))))
        assert (late["publicScore"], late["privateScore"]) == ("0.00000", "0.00000")
        rows = ada.call("GetLeaderboard", competitionName="shop")["submissions"]
        assert [(row["teamName"], row["score"]) for row in rows] == [("Ada", "5.50000")]
        public = ada.call("GetLeaderboard", competitionName="shop", overridePublic=True)["submissions"]
        assert [(row["teamName"], row["score"]) for row in public] == [("Ada", "0.50000")]


def test_up_to_two_submissions_can_be_selected(tmp_path):
    write_competition(tmp_path / "shop", selection="selected", deadline=datetime(2026, 3, 2, tzinfo=UTC))
    with local_host(tmp_path) as local:
        client = local.team()
        team = team_of_token(local.host.database, client.token)
        refs = [client.submit("shop", ZEROS) for _ in range(3)]
        for ref in refs:
            client.wait(ref)
        submissions = local.host.submissions
        submissions.select(team, "shop", refs[0], True)
        submissions.select(team, "shop", refs[1], True)
        assert _refused(lambda: submissions.select(team, "shop", refs[2], True)) == 400
        submissions.select(team, "shop", refs[0], False)
        submissions.select(team, "shop", refs[2], True)
        assert [s.ref for s in submissions.of_team(team, "shop") if s.selected] == [refs[2], refs[1]]
        other = team_of_token(local.host.database, create_team(local.host.database, "Ben"))
        assert _refused(lambda: submissions.select(other, "shop", refs[0], True)) == 404
        local.clock.now += timedelta(days=1)
        assert _refused(lambda: submissions.select(team, "shop", refs[0], True)) == 400


def _refused(action):
    from aicomp.host.wire import ApiError

    try:
        action()
    except ApiError as e:
        return e.status
    return None


def test_notebook_competitions_take_no_files(tmp_path):
    write_competition(tmp_path / "shop", notebook_only=True)
    with local_host(tmp_path) as local:
        ada = local.team()
        answer = ada.post("StartSubmissionUpload", competitionName="shop", contentLength=1, fileName="a.csv")
        assert answer.status_code == 400
        assert "only accepts Submissions from Notebooks" in answer.json()["message"]
        assert ada.call("GetCompetition", competitionName="shop")["isKernelsSubmissionsOnly"] is True


def test_a_team_sees_only_its_own_submissions(tmp_path):
    write_competition(tmp_path / "shop")
    with local_host(tmp_path) as local:
        ada, ben = local.team("Ada"), local.team("Ben")
        ref = ada.submit("shop", ZEROS, "mine")
        assert ben.post("GetSubmission", ref=ref).status_code == 404
        assert ben.post("DownloadSubmission", submissionId=ref).status_code == 404
        place = ada.post("DownloadSubmission", submissionId=ref).headers["location"]
        assert local.http.get(place).text == ZEROS
        mine = ada.call("ListSubmissions", competitionName="shop")["submissions"]
        assert [(s["ref"], s["description"]) for s in mine] == [(ref, "mine")]

"""Look on while the agent works, stop it, go on with another skill, and ask it about what it saw.

python examples/step_by_step.py
"""

from doable.agent import Agent, Config

PLAN = "scripted:find the coke;pick up the coke;bring it to you;put down the coke;done"

if __name__ == "__main__":
    agent = Agent(config=Config.load({"world": "symbolic", "values": "declared", "model": PLAN}))
    steps = agent.stream("bring me the coke")
    for step in steps:
        best = step.candidates[0]
        print(f"{step.decision.phrase}: say {best.log_say:.2f}, can {best.can:.2f}, then {step.verdict.then}")
        if step.decision.phrase == "pick up the coke":
            break  # what was done so far is on disk
    steps.close()
    result = agent.resume(agent.run_id)
    print(result.status)
    print(agent.ask("where is the coke?"))

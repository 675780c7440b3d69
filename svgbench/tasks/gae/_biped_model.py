"""The 3-D biped of Schulman 2016, chapter 4: 33 states (17 positions, 16 velocities) and 10 motors.

The thesis prints its dimensions (33, 10) and a picture. This is a body of our own with the published numbers of the
robot that its authors describe under these dimensions (SFPD/rlreloaded at 650c64e, domain_data/mujoco_worlds/
icml-humanoid.xml.in, and rll/rllab at ba78e4c, vendor/mujoco_models/simple_humanoid.xml): a rigid trunk with a head,
legs of thigh and shin with a hip of two hinges, a knee and a ball for a foot, arms of one piece with a shoulder of two
hinges; 39.9 kg; trunk at 1.40 m when it stands; torques to 100 N m in the legs and 20 N m at the shoulders.

Metres, kilograms, radians; x is forward, y to the left, z up.
"""

from __future__ import annotations

import mujoco

CAPSULE, SPHERE, PLANE = (
    mujoco.mjtGeom.mjGEOM_CAPSULE,
    mujoco.mjtGeom.mjGEOM_SPHERE,
    mujoco.mjtGeom.mjGEOM_PLANE,
)

MASS = 39.9
STANDING = 1.40  # height of the trunk
HEAD = 0.19  # of the head's centre above the trunk's
LEG_TORQUE, SHOULDER_TORQUE = 100.0, 20.0

HIP = (0.0, 0.1, -0.465)  # the left one, from the trunk
THIGH = 0.353  # hip to knee
SHIN = 0.507  # knee to the centre of the foot
FOOT = 0.075  # radius: on a straight leg the trunk is 1.40 m above the ground
SHOULDER = (0.0, 0.17, 0.06)

ARMATURE, DAMPING = 0.2, 0.1  # kg m^2, N m s
SLIDING = [1.0, 0.5, 0.5]  # friction; only the first counts between these geoms


def biped() -> mujoco.MjSpec:
    """The robot on a plane, upright at its reference position. Masses are those of its geoms' volumes, to scale."""
    spec = mujoco.MjSpec()
    spec.modelname = "biped"
    spec.compiler.degree = False
    spec.compiler.settotalmass = MASS
    spec.option.timestep = 0.005
    world = spec.worldbody
    world.add_light(pos=[0, 0, 4], dir=[0, 0, -1])
    world.add_geom(name="floor", type=PLANE, size=[40, 40, 1], contype=0, conaffinity=1, friction=SLIDING)

    trunk = world.add_body(name="torso", pos=[0, 0, STANDING])
    trunk.add_freejoint(name="root")
    for name, radius, centre in (
        ("chest", 0.07, (0.0, 0.0, 0.0)),
        ("waist", 0.06, (0.0, 0.0, -0.12)),
        ("belly", 0.06, (0.0, 0.0, -0.275)),
        ("hips", 0.09, (-0.02, 0.0, -0.425)),
    ):
        _capsule(trunk, name, radius, (centre[0], -0.07, centre[2]), (centre[0], 0.07, centre[2]))
    _ball(trunk, "head", 0.09, (0.0, 0.0, HEAD))
    for side, left in (("right", -1.0), ("left", 1.0)):
        _leg(trunk, side, left)
    for side, left in (("right", -1.0), ("left", 1.0)):
        _arm(trunk, side, left)

    for joint in spec.joints[1:]:
        limit = SHOULDER_TORQUE if "shoulder" in joint.name else LEG_TORQUE
        motor = spec.add_actuator(name=joint.name, target=joint.name, trntype=mujoco.mjtTrn.mjTRN_JOINT)
        motor.ctrlrange, motor.ctrllimited = [-limit, limit], True
    return spec


def _leg(trunk: mujoco.MjsBody, side: str, left: float) -> None:
    """Positive angles: hip out, hip back, knee back."""
    thigh = trunk.add_body(name=f"{side}_thigh", pos=[HIP[0], left * HIP[1], HIP[2]])
    _hinge(thigh, f"{side}_hip_out", (left, 0.0, 0.0), (-0.09, 0.15), stiffness=10.0)
    _hinge(thigh, f"{side}_hip_back", (0.0, 1.0, 0.0), (-1.92, 0.17), stiffness=20.0)
    _capsule(thigh, f"{side}_thigh", 0.065, (0.0, 0.0, 0.0), (0.0, 0.0, -0.34))
    shin = thigh.add_body(name=f"{side}_shin", pos=[0.0, 0.0, -THIGH])
    _hinge(shin, f"{side}_knee", (0.0, 1.0, 0.0), (0.0, 1.3))
    _capsule(shin, f"{side}_shin", 0.049, (0.0, 0.0, -0.05), (0.0, 0.0, -SHIN + FOOT))
    foot = shin.add_body(name=f"{side}_foot", pos=[0.0, 0.0, -SHIN])
    _ball(foot, f"{side}_foot", FOOT, (0.0, 0.0, 0.0))


def _arm(trunk: mujoco.MjsBody, side: str, left: float) -> None:
    """Positive angles: arm back, arm out."""
    arm = trunk.add_body(name=f"{side}_arm", pos=[SHOULDER[0], left * SHOULDER[1], SHOULDER[2]])
    _hinge(arm, f"{side}_shoulder_back", (0.0, 1.0, 0.0), (-1.05, 0.79), stiffness=1.0)
    _hinge(arm, f"{side}_shoulder_out", (left, 0.0, 0.0), (-0.79, 0.79), stiffness=1.0)
    _capsule(arm, f"{side}_arm", 0.04, (0.0, 0.0, 0.0), (0.16, left * 0.16, -0.16))


def _hinge(
    body: mujoco.MjsBody,
    name: str,
    axis: tuple[float, float, float],
    limits: tuple[float, float],
    stiffness: float = 0.0,
) -> None:
    body.add_joint(
        name=name,
        type=mujoco.mjtJoint.mjJNT_HINGE,
        axis=axis,
        range=limits,
        limited=True,
        armature=ARMATURE,
        damping=[DAMPING, 0, 0],
        stiffness=[stiffness, 0, 0],
    )


def _capsule(
    body: mujoco.MjsBody,
    name: str,
    radius: float,
    one: tuple[float, float, float],
    other: tuple[float, float, float],
) -> None:
    body.add_geom(name=name, type=CAPSULE, size=[radius, 0, 0], fromto=[*one, *other], conaffinity=0, friction=SLIDING)


def _ball(body: mujoco.MjsBody, name: str, radius: float, centre: tuple[float, float, float]) -> None:
    body.add_geom(name=name, type=SPHERE, size=[radius, 0, 0], pos=centre, conaffinity=0, friction=SLIDING)

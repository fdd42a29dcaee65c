//! What answers sub-tasks: students (large, general, to be taught), teachers (small, closed,
//! well-trained) behind adapters, and the shipped weights of both.

mod batch;
mod builtin;
mod checkpoint;
mod computed_on;
mod error;
pub mod limits;
mod published;
mod source;
mod stand_in;
mod student;
mod teacher;

pub use builtin::{BUILTIN, builtin_source};
pub use error::SetupError;
pub use published::{
    Answering, CheckpointSummary, DepthEstimator, Prompting, WeightSummary, placed_module,
    published_module,
};
pub use source::ModelSource;
pub use stand_in::StandIn;
pub use student::{
    AnswerModel, AnswerStudent, Appearance, BaseReference, BlipAnswerModel, BlipAnswerer,
    BlipMatchModel, BlipMatcher, ClipModel, Domain, DomainError, EarlySettings, ExpertManifest,
    FrozenModel, LearningModel, LocateModel, LocateStudent, MatchModel, MatchStudent,
    ModuleAdapter, PassSizes, Qwen3VlAnswerer, Qwen3VlModel, SquareNetwork, Student,
    StudentManifest, StudentModel, StudentNetwork, StudentPart, ToldApart, TrainMethod,
    TrainingDemand, ViltModel, WritingModel, domain_of,
};
pub use teacher::{
    AnswerTeacher, CallRecord, ConvDetector, Detector, LabelError, LabelFile, LocateTeacher,
    MatchTeacher, Meaning, Place, Question, Sighting, Teacher, TeacherModel, Vocabulary, onnx,
};
